/** Lets Neon's driver reach a local endpoint, without a second setting beside the connection string. */
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { loopbackAddress } from './loopback.ts'

type FetchEndpoint = (host: string, port: number | string, options?: { jwtAuth?: boolean }) => string

/** The one setting of `neonConfig` that matters here. Structural, so that the driver does not become a dependency. */
export interface NeonEndpointConfig {
  fetchEndpoint: string | FetchEndpoint
}

/**
 * Where `pgstash dev` listens if nothing else is said: next to Postgres's 5432, and free on most machines.
 *
 * Also stands in for a missing port: a `Pool` with `poolQueryViaFetch` drops the port of its connection string.
 */
export const LOCAL_NEON_PORT = 5488

/** Marks our function for other copies of this module too, as bundlers make them. */
const MARK = Symbol.for('pgstash.enableLocalNeon')

/**
 * Sends queries for loopback hosts to `http://host:port/sql`, where `pgstash dev` listens.
 *
 * All other hosts keep the endpoint that they had, so the line can stay in production. Call it once, in the module that
 * creates the client, before the first query. Calling it again changes nothing. WebSockets are unaffected: the local
 * endpoint speaks HTTP only.
 *
 * Loopback hosts are `localhost`, `*.localhost`, `localtest.me`, `*.localtest.me`, `127.*`, `[::1]` and `0.0.0.0`.
 *
 * @param neonConfig of `@neondatabase/serverless`
 * @throws InvalidOptionError
 * @example
 * import { neonConfig } from '@neondatabase/serverless'
 * import { enableLocalNeon } from 'pgstash'
 *
 * enableLocalNeon(neonConfig)
 */
export function enableLocalNeon(neonConfig: NeonEndpointConfig): void {
  const before: unknown = Reflect.get(Object(neonConfig), 'fetchEndpoint')
  if (typeof before !== 'function' && typeof before !== 'string') {
    throw new InvalidOptionError(
      `Expected the neonConfig of @neondatabase/serverless, got ${describeType(neonConfig)} without fetchEndpoint.`,
    )
  }
  if (typeof before === 'function' && MARK in before) return
  const elsewhere = before as NeonEndpointConfig['fetchEndpoint']
  const fetchEndpoint: FetchEndpoint = (host, port, options) => {
    const address = loopbackAddress(host)
    if (address !== undefined) return `http://${address}:${port || LOCAL_NEON_PORT}/sql`
    return typeof elsewhere === 'string' ? elsewhere : elsewhere(host, port, options)
  }
  neonConfig.fetchEndpoint = Object.assign(fetchEndpoint, { [MARK]: true })
}
