/** The admin pages on a server, over the real Neon driver and a real Postgres. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { type CacheOptions, createCache } from 'pgstash'
import { type CacheAdminOptions, cacheAdmin } from 'pgstash/admin'
import { migrate } from 'pgstash/migrate'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'
import { emptyTables } from '../setup/postgres-store.ts'

export type Site = Awaited<ReturnType<typeof createSite>>

export async function createSite() {
  const { db, faults, server } = await createNeon(await createDatabase())
  await migrate(db)
  return {
    db,
    faults,
    server,
    cache: (options: CacheOptions = {}) => createCache(db, { timeout: 30_000, ...options }),
    async empty() {
      faults.heal()
      await emptyTables(db)
      await db.execute(sql`truncate cache_history`)
      faults.reset()
    },
  }
}

/** An app with the pages at `/cache`, which admits everybody by default. */
export function mount(site: Site, options: Partial<CacheAdminOptions> = {}): Hono {
  return new Hono().route('/cache', cacheAdmin({ cache: site.cache(), authorize: () => true, ...options }))
}

export const ORIGIN = 'https://example.com'

/** A browser with the functions that forms need: it keeps the cookie and the token of the last page. */
export function visitor(app: Hono) {
  let cookie = ''
  let token = ''
  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await app.request(new URL(`/cache/${path}`, ORIGIN).href, init)
    cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie
    return response
  }
  return {
    /** A page: its status, and its text without the style sheet. */
    async open(path: string) {
      const response = await send(path, { headers: { cookie } })
      const page = await response.text()
      token = /name="token" value="(\w+)"/.exec(page)?.[1] ?? token
      return {
        response,
        status: response.status,
        page: page.replace(/<style>.*<\/style>/s, ''),
        bytes: new TextEncoder().encode(page).length,
      }
    },
    /** Sends a form of the last opened page, and returns the target of its redirect. */
    async submit(action: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
      const response = await send(action, {
        method: 'POST',
        headers: { cookie, origin: ORIGIN, 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ token, ...fields }).toString(),
      })
      return { status: response.status, location: response.headers.get('location'), page: await response.text() }
    },
  }
}

/** A key as it appears in the URLs of the pages. */
export const parameter = (stored: string) => Buffer.from(stored, 'utf8').toString('base64url')

/** Serves an app to a browser. */
export async function serve(app: Hono): Promise<string> {
  const server = createServer(getRequestListener(app.fetch))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
