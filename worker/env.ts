/** The bindings of the worker. They come from `wrangler secret put`, `wrangler.toml` or `npm start`. */
export interface Env {
  /** A connection string of Neon, or of the local Neon that `npm start` runs. It is a secret. */
  DATABASE_URL: string
}

/** The same for Hono. */
export interface AppEnv {
  Bindings: Env
  Variables: {
    secureHeadersNonce?: string
    /** The tags of the data in the answer. */
    tags?: string[]
  }
}
