/** What probes share. They are copied into a folder with the packed package, bundled, and run on edge runtimes. */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'

export interface ProbeEnv {
  /** Of a local Neon. */
  readonly ENDPOINT: string
  readonly DATABASE_URL: string
  readonly RUNTIME: string
}

/** Does something on the edge, and answers with what came of it. */
export type Probe = (env: ProbeEnv) => Promise<unknown>

export function database(env: ProbeEnv) {
  neonConfig.fetchEndpoint = () => env.ENDPOINT
  return drizzle(neon(env.DATABASE_URL))
}
