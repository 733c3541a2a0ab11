import { type Context, Hono } from 'hono'
import type { Cache } from 'pgstash'
import { rateLimit, rateLimitKey } from 'pgstash/hono'

interface Options {
  cache: Cache
  /** Returns the address of the client: see the recipes for addresses. */
  address(c: Context): string
  isRight(email: string, password: string): Promise<boolean>
}

/** Hono remembers the body, so that the limit and the handler can both read it. */
async function credentials(c: Context) {
  const { email, password } = await c.req.parseBody()
  return { email: String(email).trim().toLowerCase(), password: String(password) }
}

export function login({ cache, address, isRight }: Options) {
  // An attacker must not get more guesses by making the database slow.
  const guesses = { cache, period: '15m', failOpen: false } as const
  const pair = async (c: Context) => `${(await credentials(c)).email} ${address(c)}`
  return new Hono()
    .post(
      '/login',
      // Limits one client that tries many accounts.
      rateLimit({ ...guesses, name: 'login-client', limit: 50, key: address }),
      // Limits one client that tries one account. A stranger cannot lock the owner out.
      rateLimit({ ...guesses, name: 'login-pair', limit: 5, key: pair }),
      // Limits many clients that try one account. No person needs that many attempts.
      rateLimit({ ...guesses, name: 'login-account', limit: 100, key: async (c) => (await credentials(c)).email }),
      async (c) => {
        const { email, password } = await credentials(c)
        if (!(await isRight(email, password))) return c.text('Wrong email or password', 401)
        await cache.delete(rateLimitKey('login-pair', await pair(c)))
        return c.text('Welcome')
      },
    )
    .onError((error, c) => {
      console.error(error)
      return c.text('Try again in a moment', 503)
    })
}
