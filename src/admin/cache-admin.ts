/** `cacheAdmin`: the admin pages as a Hono app. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { HTTPException } from 'hono/http-exception'
import type { AdminEnv } from './env.ts'
import { type CacheAdminOptions, parseAdminOptions } from './options.ts'
import { change } from './routes/change.ts'
import { showEntries } from './routes/entries.tsx'
import { download, showEntry, showPreview } from './routes/entry.tsx'
import { answerFailure, answerMessage } from './routes/failure.tsx'
import { guard } from './routes/guard.ts'
import { showOverview } from './routes/overview.tsx'
import { showRemoval } from './routes/remove.tsx'
import { securityHeaders } from './security.ts'

/** A form holds a key, a token, and little else. */
const MAX_FORM_BYTES = 16_384

/**
 * Creates pages that show a cache and change it. Mount the app anywhere in yours: `app.route('/cache', cacheAdmin({ …
 * }))`.
 *
 * The server renders the pages, without scripts, and all links are relative. They show an overview with plots, entries
 * by prefix and state, and each entry with its value, deadline and tags. Stored responses appear as responses. You can
 * remove entries by prefix or tag. Every page takes one or two statements and moves at most the first part of one
 * value. The overview of a large cache shows estimates from a sample.
 *
 * `authorize` runs before everything else; if it throws, nobody is admitted. Changes need a form of these pages, from
 * the same origin. An admitted user sees every value in the cache's namespace, decrypted by its codec.
 *
 * @throws InvalidOptionError if `authorize` is missing, or `createCache` did not create the cache
 * @example
 * app.route('/cache', cacheAdmin({ cache, authorize: basic({ user: 'ada', password: env.ADMIN_PASSWORD }) }))
 */
export function cacheAdmin(options: CacheAdminOptions): Hono {
  const settings = parseAdminOptions(options)
  const app = new Hono<AdminEnv>()
  app.onError(answerFailure)
  app.use(securityHeaders)
  app.use(guard(settings))
  app.get('/', (c) => c.redirect(overviewFrom(c.req.path)))
  app.get('/overview', showOverview)
  app.get('/entries', showEntries)
  app.get('/entry', showEntry)
  app.get('/preview', showPreview)
  app.get('/download', download)
  app.get('/remove', showRemoval)
  app.post('*', bodyLimit({ maxSize: MAX_FORM_BYTES, onError: refuseLarge }), csrf(), change)
  app.all('*', (c) =>
    c.req.path.endsWith('/')
      ? c.redirect(overviewFrom(c.req.path))
      : answerMessage(c, 404, 'This page does not exist.'),
  )
  return app as unknown as Hono
}

/** Returns a relative URL, because a proxy may change the path. Works with and without a slash at the end. */
function overviewFrom(path: string): string {
  const last = path.slice(path.lastIndexOf('/') + 1)
  return last === '' ? './overview' : `./${last}/overview`
}

function refuseLarge(): never {
  throw new HTTPException(413, { message: 'This form is larger than the forms of these pages.' })
}
