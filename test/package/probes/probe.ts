/** The types of probes. Tests copy the probes into a folder with the packed package, bundle them, and run them on edge runtimes. */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'

export interface ProbeEnv {
  /** The connection string of a local Neon. */
  readonly ENDPOINT: string
  readonly DATABASE_URL: string
  readonly RUNTIME: string
}

/** Runs on the edge, and returns its results. */
export type Probe = (env: ProbeEnv) => Promise<unknown>

export function database(env: ProbeEnv) {
  neonConfig.fetchEndpoint = () => env.ENDPOINT
  return drizzle(neon(env.DATABASE_URL))
}
