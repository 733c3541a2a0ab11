import { CacheError } from '../values/errors.ts'

/**
 * The local Neon endpoint could not be started: a busy port, a folder in use, a missing package, no database.
 *
 * It carries no `cause`: what `pg` or `URL` throw may hold the connection string.
 */
export class LocalNeonError extends CacheError {
  static override readonly errorName: string = 'LocalNeonError'

  constructor(message: string) {
    super('LOCAL_NEON', message)
  }
}
