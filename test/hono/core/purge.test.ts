import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { InvalidOptionError } from 'pgstash'
import { type PurgeTargets, purge, purgeStatements } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createPool } from '../../setup/databases.ts'
import { age, brief, createApp, createSite, emptied, fresh, ownCache, type Site, stored, stream } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
  await site.db.execute(sql`create table posts (id int primary key, title text not null)`)
})
beforeEach(() => emptied(site))

const URL_A = 'https://example.com/a'
const pages = (options: Parameters<typeof createApp>[2] = {}) =>
  createApp(
    site,
    (c) => c.text(c.req.path, 200, { ...fresh, vary: 'Accept-Language', 'cache-tag': `tag${c.req.path}`, etag: '"1"' }),
    options,
  )
const paths = async () => [...new Set((await stored(site)).map((key) => new URL(key.split(' ')[1] ?? '').pathname))]

describe('a purge', () => {
  it('by URL removes the variants of every user, also for HEAD, and no other response', async () => {
    const cache = ownCache(site)
    const { fetch } = pages({ cache, authenticated: (c) => c.req.header('authorization') })
    for (const headers of [{}, { 'accept-language': 'de' }, { authorization: 'a' }, { authorization: 'b' }])
      await fetch('/a', { headers })
    for (const path of ['/a/', '/ab', '/a?x', '/a%20']) await fetch(path)
    expect(await purge(cache, { urls: [URL_A] })).toBe(4)
    expect(brief(await fetch('/a', { method: 'HEAD' }))).toMatch(/^fwd=/)
    expect(await stored(site)).toHaveLength(4)
    expect(await purge(cache, { urls: [URL_A] })).toBe(0)
  })

  it('by prefix removes all URLs below it, for every spelling of the host', async () => {
    const cache = ownCache(site)
    const { fetch } = pages({ cache })
    const long = `/blog/${'x'.repeat(1_000)}`
    for (const path of ['/blog/1', '/blog/2', '/blogs', long, 'https://example.com.evil.example/blog/1'])
      await fetch(path)
    expect(await purge(cache, { prefixes: ['HTTPS://Example.com:443/blog/'] })).toBe(3)
    expect(await stored(site)).toHaveLength(2)
    await fetch(long)
    expect(await purge(cache, { prefixes: [`https://example.com/blog/${'x'.repeat(900)}`] })).toBe(1)
    await fetch('/%C3%A4/b')
    expect(await purge(cache, { prefixes: ['https://example.com/ä/'] })).toBe(1)
  })

  it.each(['{', '"', '<>', '`', '^', '|', "'", '\\', '\\\\x', '%7B', 'ä?', '?q="', "?q='", '?q={', '?q=ä', '?q=/?'])(
    'by prefix finds characters that URL encodes: %s',
    async (beginning) => {
      const cache = ownCache(site)
      const { fetch } = pages({ cache })
      await fetch(`/a${beginning}b`)
      await fetch('/a')
      expect(await purge(cache, { prefixes: [`https://example.com/a${beginning}`] })).toBe(1)
    },
  )

  it.each<[string, PurgeTargets]>([
    ['by URL', { urls: ['https://example.com/CAF%C3%A9/%7ea?%71=%c3%a9'] }],
    ['by prefix', { prefixes: ['https://example.com/%43%41F%c3%a9/%7'] }],
  ])('%s finds every spelling of a URL', async (_name, targets) => {
    const cache = ownCache(site)
    const { fetch, calls } = pages({ cache })
    for (const path of ['/CAF%c3%a9/~a?q=%C3%A9', '/C%41F%C3%A9/%7Ea?q=é', '/CAFé/~a?%71=%c3%A9']) await fetch(path)
    await fetch('/CAF%C3%A9%2F~a?q=%C3%A9')
    expect(calls).toHaveLength(2)
    expect(await purge(cache, targets)).toBe(1)
    expect(await stored(site)).toHaveLength(1)
  })

  it('by a prefix that ends within an escape counts each response once', async () => {
    const cache = ownCache(site)
    const { fetch } = pages({ cache })
    for (const path of ['/a', '/b%20', '/.well-known', '/~x', '/?q', '/']) await fetch(path)
    expect(await purge(cache, { prefixes: ['https://example.com/%', 'https://example.com/%7'] })).toBe(6)
  })

  it('by tag is exact, alone and with URLs', async () => {
    const cache = ownCache(site)
    const { fetch } = pages({ cache })
    for (const path of ['/a', '/b']) await fetch(path)
    expect(await purge(cache, { urls: [URL_A], tags: ['tag/b'] })).toBe(0)
    expect(await purge(cache, { prefixes: ['https://example.com/'], tags: ['tag/b'] })).toBe(1)
    expect(await paths()).toEqual(['/a'])
    expect(await purge(cache, { tags: ['tag/a'] })).toBe(0)
    expect(brief(await fetch('/a'))).not.toBe('hit')
  })

  it('with an empty list purges nothing', async () => {
    const cache = ownCache(site)
    const { fetch } = pages({ cache })
    await fetch('/a')
    for (const soft of [false, true]) {
      for (const targets of [
        { urls: [] },
        { prefixes: [] },
        { tags: [] },
        { urls: [], tags: ['tag/a'] },
        { urls: [URL_A], tags: [] },
      ]) {
        expect(await purge(cache, { ...targets, soft })).toBe(0)
      }
    }
    expect(brief(await fetch('/a'))).toBe('hit')
  })

  it('with soft: true makes responses stale: they are revalidated, or served while they are refreshed', async () => {
    const cache = ownCache(site)
    let calls = 0
    const { fetch } = createApp(
      site,
      (c) => {
        calls++
        return c.req.header('if-none-match')
          ? c.body(null, 304, fresh)
          : c.text('Hello', 200, { ...fresh, etag: '"1"', 'cache-tag': 't' })
      },
      { cache },
    )
    await fetch('/a')
    for (const targets of [{ urls: [URL_A] }, { prefixes: ['https://example.com/'] }, { tags: ['t'] }]) {
      expect(await purge(cache, { ...targets, soft: true })).toBe(1)
      expect(brief(await fetch('/a'))).toBe('fwd=stale;fwd-status=304;stored')
      expect(brief(await fetch('/a'))).toBe('hit')
    }
    const waiting = createApp(site, (c) => c.text('new', 200, fresh), {
      cache,
      stale: '1h',
      refresh: (request) => waiting.app.fetch(request),
    })
    await purge(cache, { urls: [URL_A], soft: true })
    expect(await (await waiting.fetch('/a')).text()).toBe('Hello')
    expect(await (await waiting.fetch('/a')).text()).toBe('new')
    expect(calls).toBe(4)
  })

  it('with soft: true does not extend how long a stale response may be served', async () => {
    const cache = ownCache(site)
    const app = createApp(site, (c) => c.text('Hello', 200, fresh), {
      cache,
      stale: '10s',
      refresh: () => new Response(),
    })
    await app.fetch('/a')
    await purge(cache, { urls: [URL_A], soft: true })
    await age(site, 5_000)
    await purge(cache, { urls: [URL_A], soft: true })
    await age(site, 6_000)
    expect(brief(await app.fetch('/a'))).toMatch(/^fwd=/)
  })

  it.each<[string, PurgeTargets]>([
    ['URL', { urls: [URL_A] }],
    ['prefix', { prefixes: ['https://example.com/'] }],
    ['tag', { tags: ['t'] }],
    ['URL, softly', { urls: [URL_A], soft: true }],
  ])('by %s prevents a pending response from being stored', async (_name, targets) => {
    const source = stream()
    const app = createApp(site, (c) => c.body(source.body, 200, { ...fresh, 'cache-tag': 't' }))
    const response = await app.send('/a')
    await purge(ownCache(site), targets)
    source.push('from before')
    source.close()
    await response.text()
    await app.settled()
    expect(await stored(site)).toEqual([])
  })

  it.each<[string, unknown]>([
    ['nothing', {}],
    ['a value that is not an object', undefined],
    ['a relative URL', { urls: ['/a'] }],
    ['an invalid URL', { urls: [42] }],
    ['a text', { urls: URL_A }],
    ['a prefix without a path', { prefixes: ['https://example.com'] }],
    ['a prefix of all hosts', { prefixes: ['https://'] }],
    ['another scheme', { prefixes: ['file:///'] }],
    ['an invalid tag', { tags: [1] }],
    ['an unknown target', { keys: ['a'] }],
    ['soft as text', { urls: [URL_A], soft: 'yes' }],
  ])('refuses %s', async (_name, targets) => {
    await expect(purge(ownCache(site), targets as PurgeTargets)).rejects.toThrow(InvalidOptionError)
  })

  it.each([false, true])('reads only adjacent keys, however large the table is, soft: %s', async (soft) => {
    const pool = createPool(site.database)
    const key = `'http|GET https://example.com/' || i`
    await pool.query(`insert into cache_entries (key, value, meta)
      select ${key}, 'x', '{"status":200}' from generate_series(1, 20000) as i`)
    await pool.query(`insert into cache_leases (key, token, expires_at)
      select ${key}, case when i % 10 = 0 then 'token' end, now() from generate_series(1, 20000) as i`)
    await pool.query('analyze cache_entries, cache_leases')
    const urls = Array.from({ length: 30 }, (_, i) => `https://example.com/${i}`)
    const [query] = purgeStatements(drizzle(pool), { urls, soft })
    const { sql: text, params } = query.toSQL()
    const { rows } = await pool.query(`explain ${text}`, params)
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).not.toMatch(/Seq Scan on cache_/)
  })

  it('stays within the namespace of its cache', async () => {
    const [a, b] = [ownCache(site, { namespace: 'a' }), ownCache(site, { namespace: 'b' })]
    for (const cache of [a, b]) await pages({ cache }).fetch('/a')
    expect(await purge(a, { prefixes: ['https://example.com/'] })).toBe(1)
    expect(await stored(site)).toEqual([expect.stringMatching(/^b\|/)])
  })
})

describe('purgeStatements in a batch with a write', () => {
  it.each([
    ['commits', 1, []],
    ['fails', 0, ['/a']],
  ])('that %s', async (what, id, left) => {
    await site.db.execute(sql`truncate posts`)
    await site.db.execute(sql`insert into posts values (0, 'old')`)
    const { fetch } = pages()
    await fetch('/a')
    const write = site.db.execute(sql`insert into posts values (${id}, 'new')`)
    const batch = site.db.batch([write, ...purgeStatements(site.db, { urls: [URL_A] })] as never)
    if (what === 'fails') await expect(batch).rejects.toThrow()
    else await batch
    expect(await paths()).toEqual(left)
  })
})

describe('purgeStatements in an open transaction', () => {
  it('removes responses stored meanwhile when it commits, and nothing when it rolls back', async () => {
    const pool = createPool(site.database)
    const { fetch } = pages()
    for (const ending of ['rollback', 'commit']) {
      await emptied(site)
      await fetch('/a')
      const client = await pool.connect()
      const db = drizzle(client)
      await client.query('begin')
      const [first, second] = purgeStatements(db, { urls: [URL_A] })
      await first
      // Another variant, which shares no row with the rows that the transaction has locked.
      const other = fetch('/a', { headers: { 'accept-language': 'de' } })
      await second
      await client.query(ending)
      await other
      client.release()
      const left = await stored(site)
      if (ending === 'rollback') expect(left.length).toBeGreaterThanOrEqual(1)
      else expect(brief(await fetch('/a'))).not.toBe('hit')
    }
  })
})
