import { CacheError } from '../values/errors.ts'

/**
 * The local Neon endpoint could not be started: a busy port, a folder in use, a missing package, no database.
 *
 * Only a failure of PGlite has a `cause`. Errors of `pg` and `URL` may hold the connection string.
 */
export class LocalNeonError extends CacheError {
  static override readonly errorName: string = 'LocalNeonError'

  constructor(message: string, options?: { cause?: unknown }) {
    super('LOCAL_NEON', message, options)
  }
}
