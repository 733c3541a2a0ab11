import { bearerCheck, bearerToken } from '../../values/secret.ts'
import { type Authorize, unauthorized } from './authorize.ts'

/**
 * Admits who sends `Authorization: Bearer` and the secret: programs, and proxies that add it.
 *
 * Browsers cannot send it by themselves; for people there are `basic`, `cloudflareAccess`, and a function of your own.
 *
 * @param secret at least 16 letters, digits or any of -._~+/
 * @throws InvalidOptionError where it is shorter, or nothing
 * @example
 * cacheAdmin({ cache, authorize: bearer(env.ADMIN_SECRET) })
 */
export function bearer(secret: string): Authorize {
  const isRight = bearerCheck(bearerToken(secret))
  return (c) => isRight(c.req.header('authorization') ?? '') || unauthorized('Bearer')
}
