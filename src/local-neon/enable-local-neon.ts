/** Lets Neon's driver reach a local endpoint. The connection string is the only setting. */
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { loopbackAddress } from './loopback.ts'

type FetchEndpoint = (host: string, port: number | string, options?: { jwtAuth?: boolean }) => string

/** The only setting of `neonConfig` that is used here, declared here so that pgstash does not depend on the driver. */
export interface NeonEndpointConfig {
  /** The URL that statements go to, or a function that returns it for a host and a port. */
  fetchEndpoint: string | FetchEndpoint
}

/**
 * The default port of `pgstash dev`: close to Postgres's 5432, and free on most machines.
 *
 * Also used if the port is missing, because a `Pool` with `poolQueryViaFetch` drops the port of its connection string.
 */
export const LOCAL_NEON_PORT = 5488

/** Marks our function. The symbol is global, because bundlers may create several copies of this module. */
const MARK = Symbol.for('pgstash.enableLocalNeon')

/**
 * Sends queries for loopback hosts to `http://host:port/sql`, where `pgstash dev` listens.
 *
 * All other hosts keep their endpoint, so the call can stay in production. Call this once, in the module that creates
 * the client, before the first query. Calling it again changes nothing. It does not affect WebSockets, because the
 * local endpoint supports only HTTP.
 *
 * Loopback hosts are `localhost`, `*.localhost`, `localtest.me`, `*.localtest.me`, `127.*`, `[::1]` and `0.0.0.0`.
 *
 * @param neonConfig the `neonConfig` of `@neondatabase/serverless`
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
