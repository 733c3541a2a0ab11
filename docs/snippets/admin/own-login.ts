import type { Hono } from 'hono'
import type { Cache } from 'pgstash'
import { cacheAdmin } from 'pgstash/admin'

interface User {
  role: 'admin' | 'support' | 'customer'
}

/** Returns the user of the application's own session, or undefined. */
type UserOf = (cookie: string | undefined) => Promise<User | undefined>

/** Admins may change the cache, and support may look at it. Everybody else is sent to the login. */
export function withAdmin(app: Hono, cache: Cache, userOf: UserOf): Hono {
  const userFrom = (request: { header(name: string): string | undefined }) => userOf(request.header('cookie'))
  return app.route(
    '/cache',
    cacheAdmin({
      cache,
      title: 'Shop cache',
      authorize: async (c) => {
        const user = await userFrom(c.req)
        return user === undefined ? c.redirect('/login') : user.role !== 'customer'
      },
      readOnly: async (c) => (await userFrom(c.req))?.role !== 'admin',
    }),
  )
}
