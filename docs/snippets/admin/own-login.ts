import type { Hono } from 'hono'
import type { Cache } from 'pgstash'
import { cacheAdmin } from 'pgstash/admin'

interface User {
  role: 'admin' | 'support' | 'customer'
}

/** Who is logged in, by the application's own session. */
type UserOf = (cookie: string | undefined) => Promise<User | undefined>

/** Admins may change the cache, support may look at it, and who is not logged in is sent to where that is done. */
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
