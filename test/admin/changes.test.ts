import { sql } from 'drizzle-orm'
import type { CacheEvent } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { advance } from '../setup/postgres-store.ts'
import { createSite, mount, ORIGIN, parameter, type Site, visitor } from './site.ts'

const MINUTE_MS = 60_000

let site: Site

beforeAll(async () => {
  site = await createSite()
})

beforeEach(() => site.empty())

/** A visitor who has opened a page with forms. */
async function withForms(options: Parameters<typeof mount>[1] = {}) {
  const browser = visitor(mount(site, options))
  await browser.open('remove?prefix=')
  return browser
}

const key = (stored: string) => ({ key: parameter(stored) })

describe('a form', () => {
  it('sets the deadline of an entry, in one statement that leaves the value unchanged', async () => {
    const events: CacheEvent[] = []
    const cache = site.cache({ onEvent: (event) => events.push(event) })
    await cache.set('a', 'value', { expiration: '1m' })
    const { submit } = await withForms({ cache })
    site.faults.reset()
    const moved = await submit('touch', { ...key('a'), for: '1d' })
    expect(site.faults.requests).toBe(1)
    expect([moved.status, moved.location]).toEqual([303, `./entry?key=${parameter('a')}&done=moved`])
    expect(await msLeft('a')).toBeGreaterThan(23 * 60 * MINUTE_MS)
    expect(events.at(-1)).toMatchObject({ type: 'touch', operation: 'touch', count: 1, roundTrips: 1 })
    expect(await cache.get('a')).toBe('value')
  })

  it('sets a deadline to an instant in UTC, to never, and into the past', async () => {
    const cache = site.cache()
    await cache.set('a', 1, { expiration: '1m' })
    const { submit } = await withForms()
    await submit('expire', { ...key('a'), at: '2040-02-29T12:30:15' })
    expect((await cache.expiration('a'))?.toISOString()).toBe('2040-02-29T12:30:15.000Z')
    await submit('expire', { ...key('a'), at: '2041-01-01T00:00' })
    expect((await cache.expiration('a'))?.toISOString()).toBe('2041-01-01T00:00:00.000Z')
    await submit('expire', key('a'))
    expect(await cache.expiration('a')).toBe(null)
    await submit('expire', { ...key('a'), at: '2001-01-01T00:00' })
    expect(await cache.has('a')).toBe(false)
  })

  it('reports that the entry is no longer live', async () => {
    await site.cache().set('a', 1, { expiration: '1m' })
    const { open, submit } = await withForms()
    await advance(site.db, 2 * MINUTE_MS)
    const { location } = await submit('touch', { ...key('a'), for: '1h' })
    const { page } = await open(location?.slice(2) ?? '')
    expect(page).toContain('Nothing was changed')
    expect(page).toContain('expired: a miss')
    // An expired entry cannot be kept, only deleted.
    expect(page).not.toContain('action="./touch"')
    expect(page).toContain('action="./delete"')
  })

  it('deletes an entry, and a value that is being computed for it is not stored', async () => {
    const cache = site.cache()
    await cache.set('a', 1)
    await cache.set('kept', 1)
    const { submit } = await withForms({ cache })
    expect((await submit('delete', key('a'))).location).toBe('./entries?done=deleted')
    expect([await cache.has('a'), await cache.has('kept')]).toEqual([false, true])
    await cache.getOrSet('b', async () => {
      await submit('delete', key('b'))
      return 'computed before'
    })
    expect(await cache.has('b')).toBe(false)
  })

  it('deletes an entry whose key was too long to be stored whole', async () => {
    const cache = site.cache()
    await cache.set('k'.repeat(1_000), 1)
    const browser = visitor(mount(site))
    const { page } = await browser.open('entries')
    const [, stored = ''] = /entry\?key=([\w-]+)/.exec(page) ?? []
    await browser.open(`entry?key=${stored}`)
    await browser.submit('delete', { key: stored })
    expect(await cache.count()).toBe(0)
  })

  it('deletes exactly the entries by prefix that the confirmation counted', async () => {
    const cache = site.cache()
    await cache.setMany(Array.from({ length: 30 }, (_, i) => [`user:${i}`, i] as const))
    await cache.namespace('user:ns').set('inside', 1)
    await cache.setMany({ user: 1, users: 1, 'USER:1': 1 })
    const { open, submit } = await withForms()
    const { page } = await open('remove?prefix=user%3A')
    expect(page).toContain('31 entries')
    const [, text = ''] = /name="text" value="([\w-]*)"/.exec(page) ?? []
    expect((await submit('remove', { kind: 'prefix', text })).status).toBe(400)
    expect(await cache.count()).toBe(34)
    const { location } = await submit('remove', { kind: 'prefix', text, confirmed: 'yes' })
    expect(location).toBe('./remove?done=removed&n=31')
    expect((await open(location?.slice(2) ?? '')).page).toContain('31 entries were deleted.')
    expect((await cache.list()).entries.map((entry) => entry.key)).toEqual(['USER:1', 'user', 'users'])
  })

  it('deletes all entries of its namespace, and none of another', async () => {
    const own = site.cache({ namespace: 'own' })
    await own.setMany({ a: 1, b: 2 })
    await own.namespace('inner').set('c', 3)
    await site.cache({ namespace: 'owner' }).set('d', 4)
    const { open, submit } = await withForms({ cache: own })
    expect((await open('remove?prefix=')).page).toContain('will be deleted: all entries of this cache.')
    const { location } = await submit('remove', { kind: 'prefix', text: '', confirmed: 'yes' })
    expect(location).toBe('./remove?done=removed&n=3')
    expect(await site.cache().count()).toBe(1)
  })

  it('cannot affect entries outside of its namespace', async () => {
    const other = site.cache({ namespace: 'other' })
    await other.set('a', 1, { expiration: '1h' })
    const { submit } = await withForms({ cache: site.cache({ namespace: 'own' }) })
    for (const [action, fields] of [
      ['delete', key('other|a')],
      ['touch', { ...key('other|a'), for: '1d' }],
      ['expire', key('other|a')],
    ] as const) {
      expect([action, (await submit(action, fields)).status]).toEqual([action, 400])
    }
    await submit('remove', { kind: 'prefix', text: parameter('other|'), confirmed: 'yes' })
    expect(await other.expiration('a')).toBeInstanceOf(Date)
  })

  it('invalidates a tag everywhere, and cleanup deletes the rows', async () => {
    const cache = site.cache()
    await cache.setMany({ a: 1, b: 2 }, { tags: ['old "tag"'] })
    await cache.set('c', 3)
    const { open, submit } = await withForms()
    const { page } = await open(`remove?tag=${encodeURIComponent('old "tag"')}`)
    expect(page).toContain('2 entries')
    const [, text = ''] = /name="text" value="([\w-]*)"/.exec(page) ?? []
    const { location } = await submit('remove', { kind: 'tag', text, confirmed: 'yes' })
    expect((await open(location?.slice(2) ?? '')).page).toContain('The tag was invalidated')
    expect(await cache.count()).toBe(1)
    const cleaned = await submit('clean', {})
    expect(cleaned.location).toBe('./overview?done=cleaned&n=2')
  })

  it('invalidates a tag that was too long to be stored whole, by the link of an entry that has it', async () => {
    const cache = site.cache()
    await cache.set('a', 1, { tags: ['x'.repeat(600)] })
    const { open, submit } = await withForms()
    const { page: entry } = await open(`entry?key=${parameter('a')}`)
    const [, link = ''] = /href="\.\/(remove\?tag=[^"]*)"/.exec(entry) ?? []
    const { page } = await open(link)
    expect(page).toContain('1 entry')
    const [, text = ''] = /name="text" value="([\w-]*)"/.exec(page) ?? []
    await submit('remove', { kind: 'tag', text, confirmed: 'yes' })
    expect(await cache.count()).toBe(0)
  })

  it.each([
    ['a time that is not offered', 'touch', { ...key('a'), for: '99d' }],
    ['no time', 'touch', key('a')],
    ['no key', 'touch', { for: '1h' }],
    ['a key in no known encoding', 'delete', { key: '%%%' }],
    ['an empty key', 'delete', { key: '' }],
    ['an invalid instant', 'expire', { ...key('a'), at: 'tomorrow' }],
    ['an impossible instant', 'expire', { ...key('a'), at: '2040-02-30T99:99' }],
    ['an empty tag', 'remove', { kind: 'tag', text: '', confirmed: 'yes' }],
    ['another kind', 'remove', { kind: 'all', text: '', confirmed: 'yes' }],
    ['an overlong prefix', 'remove', { kind: 'prefix', text: parameter('x'.repeat(513)), confirmed: 'yes' }],
  ])('with %s changes nothing, and sends no request', async (_name, action, fields) => {
    const cache = site.cache()
    await cache.set('a', 1, { expiration: '1h' })
    const { submit } = await withForms()
    site.faults.reset()
    expect((await submit(action, fields as Record<string, string>)).status).toBe(400)
    expect(site.faults.requests).toBe(0)
    expect(await cache.count()).toBe(1)
  })
})

describe('a form from elsewhere', () => {
  const attempts: [string, Record<string, string>, Record<string, string>][] = [
    ['another origin', {}, { origin: 'https://evil.example' }],
    ['a null origin', {}, { origin: 'null' }],
    ['no origin', {}, { origin: '' }],
    ['a Sec-Fetch-Site of cross-site', {}, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['a sister site', {}, { origin: 'https://other.example.com', 'sec-fetch-site': 'same-site' }],
    ['the right origin without a token', { token: '' }, {}],
    ['the right origin with another token', { token: '0'.repeat(32) }, {}],
    ['the right origin without a cookie', {}, { cookie: '' }],
    ['the right origin with a cookie of another form', { token: 'x' }, { cookie: '__Host-pgstash-admin=x' }],
    ['a body that is not a form', {}, { 'content-type': 'application/json' }],
  ]

  it.each(attempts)('%s is refused, and changes nothing', async (_name, fields, headers) => {
    const cache = site.cache()
    await cache.set('a', 1)
    const { submit } = await withForms()
    site.faults.reset()
    const { status } = await submit('delete', { ...key('a'), ...fields }, headers)
    expect(status).toBe(403)
    expect(site.faults.requests).toBe(0)
    expect(await cache.has('a')).toBe(true)
  })

  it('with the token of another browser is refused', async () => {
    await site.cache().set('a', 1)
    const app = mount(site)
    const [mine, other] = [visitor(app), visitor(app)]
    await mine.open('remove?prefix=')
    const [, token = ''] = /name="token" value="(\w+)"/.exec((await other.open('remove?prefix=')).page) ?? []
    expect((await mine.submit('delete', { ...key('a'), token })).status).toBe(403)
  })

  it('as a link changes nothing, because only POST does', async () => {
    const cache = site.cache()
    await cache.set('a', 1)
    for (const path of ['delete', 'touch', 'expire', 'clean']) {
      const response = await mount(site).request(`${ORIGIN}/cache/${path}?key=${parameter('a')}&for=5m&confirmed=yes`)
      expect([path, response.status]).toEqual([path, 404])
    }
    await mount(site).request(`${ORIGIN}/cache/remove?prefix=&confirmed=yes`)
    expect(await cache.expiration('a')).toBe(null)
  })

  it('is not read if it is larger than any form of the pages', async () => {
    const { submit } = await withForms()
    expect((await submit('delete', { key: 'x'.repeat(100_000) })).status).toBe(413)
  })

  it('finds a cookie that scripts cannot read and that is not sent to other sites', async () => {
    const app = mount(site)
    const cookieOf = async (url: string) => (await app.request(url)).headers.get('set-cookie')
    expect(await cookieOf(`${ORIGIN}/cache/entries`)).toMatch(
      /^__Host-pgstash-admin=[0-9a-f]{32}; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
    expect(await cookieOf('http://localhost/cache/entries')).toMatch(
      /^pgstash-admin=[0-9a-f]{32}; Path=\/; HttpOnly; SameSite=Lax$/,
    )
  })
})

describe('read-only pages', () => {
  it.each([
    ['for everybody', true],
    ['for users that a function selects', async () => true],
    ['for an invalid result of that function', () => undefined as never],
  ])('%s have no forms, and refuse all forms', async (_name, readOnly) => {
    const cache = site.cache()
    await cache.set('a', 1, { tags: ['t'], expiration: '1h' })
    const { open, submit } = visitor(mount(site, { readOnly }))
    for (const path of ['overview', 'entries', `entry?key=${parameter('a')}`]) {
      const { page, response } = await open(path)
      expect(page).not.toMatch(/method="post"|href="\.\/remove/)
      expect(page).toContain('read-only')
      expect(response.headers.has('set-cookie')).toBe(false)
    }
    expect((await open('remove?prefix=')).status).toBe(403)
    for (const action of ['touch', 'expire', 'delete', 'remove', 'clean', 'none']) {
      const { status } = await submit(action, { ...key('a'), for: '1d', kind: 'prefix', text: '', confirmed: 'yes' })
      expect([action, status]).toEqual([action, 403])
    }
    expect(await cache.count()).toBe(1)
  })
})

async function msLeft(stored: string): Promise<number> {
  const { rows } = await site.db.execute<{ ms: number }>(sql`
    select (extract(epoch from expires_at - now()) * 1000)::float8 as ms from cache_entries where key = ${stored}`)
  return rows[0]?.ms ?? 0
}
