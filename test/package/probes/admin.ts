/** `pgstash/admin`: the pages, behind a password, and a change made with one of their forms. */
import { createCache } from 'pgstash'
import { basic, cacheAdmin } from 'pgstash/admin'
import { migrate } from 'pgstash/migrate'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

const PASSWORD = 'a password of the probe'

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  const cache = createCache(db, { timeout: 60_000, namespace: `admin ${env.RUNTIME}` })
  await cache.set('key', { answer: 42 }, { expiration: '1h' })
  const admin = cacheAdmin({ cache, authorize: basic({ user: 'ada', password: PASSWORD }) })
  const headers = { authorization: `Basic ${btoa(`ada:${PASSWORD}`)}` }

  const refused = await admin.request('https://example.com/overview')
  const overview = await admin.request('https://example.com/overview', { headers })
  const entries = await (await admin.request('https://example.com/entries', { headers })).text()
  const key = /key=([\w-]+)/.exec(entries)?.[1] ?? ''
  const entry = await admin.request(`https://example.com/entry?key=${key}`, { headers })
  const cookie = entry.headers.get('set-cookie')?.split(';')[0] ?? ''
  const page = await entry.text()
  const token = /name="token" value="(\w+)"/.exec(page)?.[1] ?? ''
  const deleted = await admin.request('https://example.com/delete', {
    method: 'POST',
    headers: { ...headers, cookie, origin: 'https://example.com', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ key, token }).toString(),
  })
  return {
    statuses: [refused.status, overview.status, entry.status, deleted.status],
    shown: page.includes('&quot;answer&quot;: 42'),
    left: await cache.count(),
  }
}

export const expected = { statuses: [401, 200, 200, 303], shown: true, left: 0 }
