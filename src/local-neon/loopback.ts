/** Recognizes names and addresses that always point to this machine. */

// RFC 6761 reserves `localhost` and its subdomains. `localtest.me` is a public name that resolves to 127.0.0.1.
const NAME = /^(?:.+\.)?(?:localhost|localtest\.me)\.?$/
const ADDRESS = /^(?:127(?:\.\d{1,3}){1,3}|\[?::1\]?|\[?::ffff:(?:7f[\da-f]{2}:|127\.).*\]?)$/
/** Means "every address" to a server, and "this machine" to a client. */
const ANY_ADDRESS = '0.0.0.0'

/**
 * Returns the address of a loopback host in the form for a URL; undefined for any other host.
 *
 * Converts names to an address, because some systems do not resolve `*.localhost`, and some resolve `localhost` only to
 * `::1`.
 */
export function loopbackAddress(host: string): string | undefined {
  const name = host.toLowerCase()
  if (NAME.test(name) || name === ANY_ADDRESS) return '127.0.0.1'
  if (!ADDRESS.test(name)) return undefined
  return name.includes(':') && !name.startsWith('[') ? `[${name}]` : name
}
