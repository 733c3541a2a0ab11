/** Makes the key that counts a client, if only its IP address is known. */
import { describeType, InvalidKeyError } from '../values/errors.ts'

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
const GROUPS = 8
/**
 * A /64, the smallest network that a provider gives to a customer (RFC 6177). The customer may use any address in it.
 */
const GROUPS_OF_A_CUSTOMER = 4
/** ::ffff:0:0/96. A socket that listens on IPv6 sees IPv4 clients in this form (RFC 4291 2.5.5.2). */
const IPV4_MAPPED = '0:0:0:0:0:ffff'

/**
 * Returns the key for a client's address: the IPv4 address itself, or the /64 network of an IPv6 address.
 *
 * Whole IPv6 addresses would limit nobody, because each customer has 2^64 of them. All spellings of an address result
 * in the same key. If a socket listens on IPv6, an IPv4 client (`::ffff:192.0.2.1`) gets the key of its IPv4 address.
 *
 * @param address from a source that the client cannot forge: `cf-connecting-ip` on Cloudflare, `x-real-ip` on Vercel,
 *   the socket in Node
 * @throws InvalidKeyError if it is not an address. If the platform does not set a header, all clients would share a
 *   key.
 * @example
 * app.use(rateLimit({ cache, limit: 100, period: '1m', key: (c) => addressKey(c.req.header('cf-connecting-ip')) }))
 * const key = (request: Request) => addressKey(request.headers.get('cf-connecting-ip'))
 */
export function addressKey(address: string | null | undefined): string {
  if (typeof address === 'string') {
    if (IPV4.test(address)) return address
    // Drop the zone of a link-local address: it names an interface of this machine, not the client.
    const groups = ipv6Groups(address.replace(/%.*$/s, ''))
    if (groups !== undefined) return networkOf(groups)
  }
  const received = typeof address === 'string' ? 'a string in another format' : describeType(address)
  throw new InvalidKeyError(`Expected the IP address of a client, got ${received}. Does the platform set this header?`)
}

function networkOf(groups: readonly string[]): string {
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group, 16))
  if (groups.slice(0, -2).join(':') === IPV4_MAPPED) return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  return `${groups.slice(0, GROUPS_OF_A_CUSTOMER).join(':')}::/64`
}

/**
 * Returns the eight groups without leading zeros, or undefined if this is not an IPv6 address. `URL` parses every
 * spelling.
 */
function ipv6Groups(address: string): string[] | undefined {
  if (!/^[\da-f:.]+$/i.test(address) || !URL.canParse(`http://[${address}]`)) return undefined
  const [start = '', end] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const before = start.split(':').filter(Boolean)
  const after = end?.split(':').filter(Boolean) ?? []
  return [...before, ...Array<string>(GROUPS - before.length - after.length).fill('0'), ...after]
}
