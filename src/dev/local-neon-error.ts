import { CacheError } from '../values/errors.ts'

/**
 * The local Neon endpoint could not start: the port is busy, the folder is in use, a package is missing, or the
 * database is unreachable.
 *
 * Only a failure of PGlite has a `cause`, because errors of `pg` and `URL` may contain the connection string.
 */
export class LocalNeonError extends CacheError {
  static override readonly errorName: string = 'LocalNeonError'

  constructor(message: string, options?: { cause?: unknown }) {
    super('LOCAL_NEON', message, options)
  }
}
