import { auth } from 'hono/utils/basic-auth'
import { InvalidOptionError } from '../../values/errors.ts'
import { optionsObject } from '../../values/options.ts'
import { checkedSecret, secretCheck } from '../../values/secret.ts'
import { type Authorize, unauthorized } from './authorize.ts'

export interface BasicCredentials {
  /** Without a colon, which ends the name. */
  user: string
  /** At least 16 visible characters. */
  password: string
}

const CHALLENGE = 'Basic realm="cache", charset="UTF-8"'

/**
 * Admits who knows a name and a password: browsers ask for them. Over HTTPS only, as they are sent with each request.
 *
 * @throws InvalidOptionError where the name is empty or has a colon, or the password is shorter
 * @example
 * cacheAdmin({ cache, authorize: basic({ user: 'ada', password: env.ADMIN_PASSWORD }) })
 */
export function basic(credentials: BasicCredentials): Authorize {
  const { user, password } = optionsObject<BasicCredentials>(credentials, ['user', 'password'])
  if (typeof user !== 'string' || user === '' || user.includes(':')) {
    throw new InvalidOptionError('Expected user to be a name without a colon, got another.')
  }
  checkedSecret('password', password)
  // Both at once, so that nobody learns which of them was wrong.
  const isRight = secretCheck(`${user}:${password}`)
  return (c) => {
    const given = auth(c.req.raw)
    return (given !== undefined && isRight(`${given.username}:${given.password}`)) || unauthorized(CHALLENGE)
  }
}
