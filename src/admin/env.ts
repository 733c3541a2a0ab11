import type { Cache } from '../cache.ts'
import type { PostgresEngine } from '../postgres/postgres-store.ts'

/** What the pages know of the request's cache, once it is clear that they may show it. */
export interface Admin {
  readonly cache: Cache
  readonly context: PostgresEngine
  readonly isReadOnly: boolean
  readonly title: string
  /** What each form carries; empty where nothing can be changed. */
  readonly token: string
  /** The name whose history is shown; null: all. */
  readonly history: string | null
}

export interface AdminEnv {
  Variables: { admin: Admin }
}
