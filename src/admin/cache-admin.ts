/** `cacheAdmin`: the admin pages as a Hono app. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { HTTPException } from 'hono/http-exception'
import type { AdminEnv } from './env.ts'
import { type CacheAdminOptions, parsePlan } from './options.ts'
import { change } from './routes/change.ts'
import { showEntries } from './routes/entries.tsx'
import { download, showEntry, showPreview } from './routes/entry.tsx'
import { answerFailure, answerMessage } from './routes/failure.tsx'
import { guard } from './routes/guard.ts'
import { showOverview } from './routes/overview.tsx'
import { showRemoval } from './routes/remove.tsx'
import { securityHeaders } from './security.ts'

/** Of a form: a key, a token, and little else. */
const MAX_FORM_BYTES = 16_384

/**
 * Pages to look at a cache and to change it: an app to mount anywhere in yours, `app.route('/cache', cacheAdmin({ … }))`.
 *
 * Rendered on the server, without scripts; all links are relative. An overview with plots, entries by prefix and state,
 * each with its value, its deadline and its tags; responses as responses; removal by prefix or tag. Every page is one
 * or two statements, moves no more than the beginning of one value, and samples tables above 40 MB.
 *
 * `authorize` runs before everything, and whatever it throws admits nobody. Changes need a form of these pages, from the same
 * origin. Whoever is admitted sees every value in the cache's namespace, decrypted by its codec.
 *
 * @throws InvalidOptionError where there is no `authorize`, or the cache is none of `createCache`
 * @example
 * app.route('/cache', cacheAdmin({ cache, authorize: basic({ user: 'ada', password: env.ADMIN_PASSWORD }) }))
 */
export function cacheAdmin(options: CacheAdminOptions): Hono {
  const plan = parsePlan(options)
  const app = new Hono<AdminEnv>()
  app.onError(answerFailure)
  app.use(securityHeaders)
  app.use(guard(plan))
  app.get('/', (c) => c.redirect(overviewFrom(c.req.path)))
  app.get('/overview', showOverview)
  app.get('/entries', showEntries)
  app.get('/entry', showEntry)
  app.get('/preview', showPreview)
  app.get('/download', download)
  app.get('/remove', showRemoval)
  app.post('*', bodyLimit({ maxSize: MAX_FORM_BYTES, onError: refuseLarge }), csrf(), change)
  app.all('*', (c) =>
    c.req.path.endsWith('/') ? c.redirect(overviewFrom(c.req.path)) : answerMessage(c, 404, 'There is no such page.'),
  )
  return app as unknown as Hono
}

/** Relative, because nobody knows how a path looks from outside: with and without a slash at its end. */
function overviewFrom(path: string): string {
  const last = path.slice(path.lastIndexOf('/') + 1)
  return last === '' ? './overview' : `./${last}/overview`
}

function refuseLarge(): never {
  throw new HTTPException(413, { message: 'This form is larger than any of these pages.' })
}
