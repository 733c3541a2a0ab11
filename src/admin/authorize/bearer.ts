import { bearerCheck, bearerToken } from '../../values/secret.ts'
import { type Authorize, unauthorized } from './authorize.ts'

/**
 * Admits requests with `Authorization: Bearer` and the secret, from programs and from proxies that add it.
 *
 * Browsers do not send this header by themselves. For people, use `basic`, `cloudflareAccess` or your own function.
 *
 * @param secret at least 16 letters, digits or any of -._~+/
 * @throws InvalidOptionError if the secret is shorter or missing
 * @example
 * cacheAdmin({ cache, authorize: bearer(env.ADMIN_SECRET) })
 */
export function bearer(secret: string): Authorize {
  const isRight = bearerCheck(bearerToken(secret))
  return (c) => isRight(c.req.header('authorization') ?? '') || unauthorized('Bearer')
}
