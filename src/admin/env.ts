import type { Cache } from '../cache.ts'
import type { PostgresEngine } from '../postgres/postgres-store.ts'

/** The cache of a request, and how to show it. Set once the request is authorized. */
export interface Admin {
  readonly cache: Cache
  readonly engine: PostgresEngine
  readonly isReadOnly: boolean
  readonly title: string
  /** The CSRF token of each form; empty if the pages are read-only. */
  readonly token: string
  /** Show the history of this name; null: of all names. */
  readonly history: string | null
}

export interface AdminEnv {
  Variables: { admin: Admin }
}
