/** What the worker is given: by `wrangler secret put`, by `wrangler.toml`, or by `npm start`. */
export interface Env {
  /** A connection string of Neon, or of the local Neon that `npm start` runs. A secret. */
  DATABASE_URL: string
}

/** Hono's view of it. */
export interface AppEnv {
  Bindings: Env
  Variables: {
    secureHeadersNonce?: string
    /** What the answer was made of. */
    tags?: string[]
  }
}
