/** What to count a client by, where all that is known of it is its address. */
import { describeType, InvalidKeyError } from '../values/errors.ts'

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
const GROUPS = 8
/** The least that a provider gives to a customer (RFC 6177), who may then use any address of it. */
const GROUPS_OF_A_CUSTOMER = 4
/** ::ffff:0:0/96, how IPv4 clients look to a socket that listens on IPv6 (RFC 4291 2.5.5.2). */
const IPV4_MAPPED = '0:0:0:0:0:ffff'

/**
 * The key to count a client's address by: an IPv4 address itself, of an IPv6 address its /64 network.
 *
 * By whole IPv6 addresses nobody would ever be limited: each customer has 2^64 of them. Every spelling of an address
 * gives the same key, and an IPv4 client of a socket that listens on IPv6 (`::ffff:192.0.2.1`) its IPv4 address.
 *
 * @param address from where nobody can forge it: `cf-connecting-ip` on Cloudflare, `x-real-ip` on Vercel, the socket's in Node
 * @throws InvalidKeyError where it is no address: a header that this platform does not set would count all clients as one
 * @example
 * rateLimit({ cache, limit: 100, period: '1m', key: (c) => addressKey(c.req.header('cf-connecting-ip')) })
 */
export function addressKey(address: string | undefined): string {
  if (typeof address === 'string') {
    if (IPV4.test(address)) return address
    // The zone of a link-local address is about this machine's interfaces, not about the client.
    const groups = ipv6Groups(address.replace(/%.*$/s, ''))
    if (groups !== undefined) return networkOf(groups)
  }
  const came = typeof address === 'string' ? 'a string of another form' : describeType(address)
  throw new InvalidKeyError(
    `Expected the IP address of a client, got ${came}: is this where the platform says what it is?`,
  )
}

function networkOf(groups: readonly string[]): string {
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group, 16))
  if (groups.slice(0, -2).join(':') === IPV4_MAPPED) return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  return `${groups.slice(0, GROUPS_OF_A_CUSTOMER).join(':')}::/64`
}

/** The eight groups without leading zeros; undefined where it is no IPv6 address. URL knows every spelling. */
function ipv6Groups(address: string): string[] | undefined {
  if (!/^[\da-f:.]+$/i.test(address) || !URL.canParse(`http://[${address}]`)) return undefined
  const [start = '', end] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const before = start.split(':').filter(Boolean)
  const after = end?.split(':').filter(Boolean) ?? []
  return [...before, ...Array<string>(GROUPS - before.length - after.length).fill('0'), ...after]
}
