/** Replaces tcp.ts in bundles for the edge, because these must not contain a driver that needs Node. */
import { InvalidOptionError } from '../../values/errors.ts'
import type { Loopback } from './loopback-server.ts'

/**
 * Opens a loopback address over HTTP, because it can only mean a local Neon. @throws InvalidOptionError for any other
 *   server
 */
export function openTcp(_url: string, loopback: Loopback | undefined): object {
  if (loopback !== undefined) return loopback.overHttp()
  throw new InvalidOptionError(
    'Expected a connection string of Neon, because on an edge runtime pgstash opens no TCP connection. For another host, pass a client of pg or postgres, made for each request.',
  )
}
