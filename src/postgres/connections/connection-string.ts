/** Decides how a connection string reaches its database: over HTTP to Neon and to a local Neon, otherwise over TCP. */
import { openTcp } from '#tcp'
import { LOCAL_NEON_PORT } from '../../local-neon/enable-local-neon.ts'
import { loopbackAddress } from '../../local-neon/loopback.ts'
import { InvalidOptionError } from '../../values/errors.ts'
import { NeonHttpClient } from './neon-http-client.ts'

const FORM = 'a connection string such as postgresql://user:password@host/database'
const POSTGRES = /^postgres(?:ql)?:$/
/** Prisma's own protocols. Their URLs name a proxy. Prisma shows the direct URL next to them. */
const PRISMA = /^prisma(?:\+postgres)?:$/
/** Ignores case, because `URL` keeps the case of a host in `postgresql:` URLs. */
const NEON = /\.neon\.(?:tech|build)$/i

/** True for a URL with a scheme that only Postgres uses. The rest of the URL is not checked. */
export function isPostgresUrl(text: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(text.trim())
}

/** @throws InvalidOptionError, without any part of the string */
export function checkConnectionString(text: string): void {
  parse(text)
}

/**
 * Makes the client of a connection string. Sends nothing, except that at a loopback address it may check whether a
 * local Neon listens.
 *
 * @throws InvalidOptionError, DatabaseError
 */
export function openConnectionString(text: string): object | Promise<object> {
  const url = parse(text)
  const address = loopbackAddress(url.hostname)
  if (NEON.test(url.hostname) || (address !== undefined && Number(url.port) === LOCAL_NEON_PORT)) return openHttp(text)
  return openTcp(url.href, address === undefined ? undefined : { address, overHttp: () => openHttp(text) })
}

/**
 * @param endpoint default: Neon's endpoint, or the endpoint of the local Neon at this address
 *
 * @throws InvalidOptionError
 */
export function openHttp(text: string, endpoint?: string): NeonHttpClient {
  const url = parse(text)
  return new NeonHttpClient(url, endpoint ?? endpointOf(url))
}

/** Replaces the host's first label, as Neon's driver does. The pooled and the direct host have the same endpoint. */
function endpointOf({ hostname, port }: URL): string {
  const address = loopbackAddress(hostname)
  if (address !== undefined) return `http://${address}:${port || LOCAL_NEON_PORT}/sql`
  return `https://${hostname.replace(/^[^.]+\./, 'api.')}/sql`
}

function parse(text: string): URL {
  const url = urlOf(text.trim())
  if (url !== undefined && POSTGRES.test(url.protocol)) return url
  if (url !== undefined && PRISMA.test(url.protocol)) {
    throw new InvalidOptionError(
      `Expected ${FORM}, got a URL of Prisma Accelerate: use the direct URL of the database.`,
    )
  }
  const got =
    text.trim() === '' ? 'an empty string: set its variable' : 'another string: encode its password (%40 for @)'
  throw new InvalidOptionError(`Expected ${FORM}, got ${got}.`)
}

/** Returns undefined instead of throwing, because the error of `URL` would show the whole string. */
function urlOf(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
