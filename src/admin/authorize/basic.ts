import { auth } from 'hono/utils/basic-auth'
import { InvalidOptionError } from '../../values/errors.ts'
import { optionsObject } from '../../values/options.ts'
import { checkedSecret, secretCheck } from '../../values/secret.ts'
import { type Authorize, unauthorized } from './authorize.ts'

/** The name and the password that {@link basic} admits. */
export interface BasicCredentials {
  /** Must not contain a colon, because a colon ends the name. */
  user: string
  /** At least 16 visible characters. */
  password: string
}

const CHALLENGE = 'Basic realm="cache", charset="UTF-8"'

/**
 * Admits clients that send this name and password. Browsers ask the user for them. Use HTTPS, because every request
 * sends both.
 *
 * @throws InvalidOptionError if the name is empty or has a colon, or the password is too short
 * @example
 * cacheAdmin({ cache, authorize: basic({ user: 'ada', password: env.ADMIN_PASSWORD }) })
 */
export function basic(credentials: BasicCredentials): Authorize {
  const { user, password } = optionsObject<BasicCredentials>(credentials, ['user', 'password'])
  if (typeof user !== 'string' || user === '' || user.includes(':')) {
    throw new InvalidOptionError('Expected user to be a name without a colon, got a name that is empty or has one.')
  }
  checkedSecret('password', password)
  // Compares both at once, so that an attacker cannot tell which one was wrong.
  const isRight = secretCheck(`${user}:${password}`)
  return (c) => {
    const given = auth(c.req.raw)
    return (given !== undefined && isRight(`${given.username}:${given.password}`)) || unauthorized(CHALLENGE)
  }
}
