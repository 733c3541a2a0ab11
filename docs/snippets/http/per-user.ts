import { Hono } from 'hono'
import type { Cache } from 'pgstash'
import { responseCache } from 'pgstash/hono'

/** Returns the user of a valid token, or undefined. */
type UserOf = (token: string) => string | undefined

export function accounts(cache: Cache, userOf: UserOf, balanceOf: (user: string) => Promise<number>): Hono {
  const authenticated = (c: { req: { header(name: string): string | undefined } }) =>
    userOf(c.req.header('authorization')?.replace(/^Bearer /, '') ?? '')
  const app = new Hono()
  const tags = (c: Parameters<typeof authenticated>[0]) => {
    const user = authenticated(c)
    return user === undefined ? [] : [`user:${user}`]
  }
  app.use(responseCache({ cache, authenticated, tags }))
  app.get('/balance', async (c) => {
    // The handler checks the user itself, because requests that bypass the cache reach it as well.
    const user = authenticated(c)
    if (user === undefined) return c.text('Unauthorized', 401)
    return c.json({ balance: await balanceOf(user) }, 200, {
      'cdn-cache-control': 'max-age=30',
      'cache-control': 'private',
    })
  })
  return app
}
