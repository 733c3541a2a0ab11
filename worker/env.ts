/** What the worker is given: by `wrangler secret put`, by `wrangler.toml`, or by `npm start`. */
export interface Env {
  /** A Postgres connection string that Neon's HTTP driver understands. A secret. */
  DATABASE_URL: string
  /** Where the driver sends its queries instead of Neon's own endpoint; `npm start` points it at the local one. */
  NEON_FETCH_ENDPOINT?: string
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
