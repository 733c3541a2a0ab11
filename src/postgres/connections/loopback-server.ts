import type { NeonHttpClient } from './neon-http-client.ts'

/** A server on this machine: Postgres, or a local Neon, which speaks HTTP. */
export interface Loopback {
  readonly address: string
  overHttp(): NeonHttpClient
}
