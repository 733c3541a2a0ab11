/** `pgstash export` and `pgstash import` */
import { drizzle } from 'drizzle-orm/node-postgres'
import { type Cache, createCache, encryptingCodec } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createSite, run, start, WAYS } from './command.ts'

const ROWS = `select key, value, number::text, expires_at::text, kept_until::text, tags, compute_ms, meta, created_at::text,
  updated_at::text from cache_entries order by key`

const rowsOf = async (url: string) => (await createPool(url).query(ROWS)).rows
const cacheAt = (url: string, options = {}) => createCache(drizzle(createPool(url)), options)

async function fill(url: string): Promise<Cache> {
  const cache = cacheAt(url)
  await cache.setMany({
    null: null,
    number: 0.1,
    text: 'line\nbreak \u2028 \u2029 \u0085 "quotes" \\ and \u0000',
    object: { a: [1, { b: null }], ü: '𝒳' },
    __proto__x: 1,
  })
  await cache.increment('counter', 12_345.678)
  await cache.set('a|b\\c\n\u001b', 1)
  await cache.set('x'.repeat(3_000), 'a long key')
  await cache.set('soon', 1, { expiration: '1h' })
  await cache.set('tagged', { v: 1 }, { expiration: '1d', tags: ['a', 'quoted "tag", {x}', 't'.repeat(2_000)] })
  await cache.set('over', 1, { expiration: 0 })
  await cache.set('rejected', 1, { tags: ['gone'] })
  await cache.invalidate('gone')
  await cache.getOrSet('stale', () => 'computed', { expiration: '1h', stale: '1h' })
  await cache.getOrSet('always stale', () => 'computed', { expiration: '1h', stale: null })
  await cache.namespace('shop').namespace('e|u').set('k', 'nested')
  const codec = encryptingCodec({ keys: { only: Uint8Array.from({ length: 32 }, (_, i) => i) } })
  await cacheAt(url, { namespace: 'secret', codec }).set('k', { secret: true })
  await createPool(url).query(`insert into cache_entries (key, value, meta) values ('GET|x', 'body', '{"status":200}')`)
  return cache
}

describe.each(WAYS)('exported and imported entries, %s', (way) => {
  it('are equal in another database, to the last digit', async () => {
    const [from, to] = [await createSite(way), await createSite(way)]
    await fill(from.url)
    const { code, out, err } = await from.pgstash(['export'])
    expect([code, err]).toEqual([0, ''])
    const lines = out.trimEnd().split('\n')
    const live = (await rowsOf(from.url)).filter(({ key }) => key !== 'over' && key !== 'rejected')
    expect(lines.length).toBe(live.length)
    expect(await to.pgstash(['import'], out)).toEqual({
      code: 0,
      out: `Imported ${live.length} entries.\n`,
      err: expect.stringMatching(/^1 with tags came from another database\..+Use --strict to skip such entries\.\n$/),
    })
    expect(await rowsOf(to.url)).toEqual(live)
    const cache = cacheAt(to.url)
    expect(await cache.get('x'.repeat(3_000))).toBe('a long key')
    expect(await cache.get('tagged')).toEqual({ v: 1 })
    await cache.invalidate('t'.repeat(2_000))
    expect(await cache.get('tagged')).toBe(undefined)
    // A second import does no harm.
    expect((await to.pgstash(['import'], out)).code).toBe(0)
    expect(await rowsOf(to.url)).toEqual(live)
  })
})

describe('export', () => {
  it('writes any number of entries, page by page', async () => {
    const [from, to] = [await createSite(), await createSite()]
    await createPool(from.url).query(
      `insert into cache_entries (key, value) select 'k' || i, to_json(repeat('v', i % 1000)) from generate_series(1, 5000) as i`,
    )
    // Two of these are more than a page may hold.
    await createPool(from.url).query(
      `insert into cache_entries (key, value) select 'large' || i, to_json(repeat('v', 3000000)) from generate_series(1, 4) as i`,
    )
    const { out } = await from.pgstash(['export'])
    expect((await to.pgstash(['import'], out)).out).toBe('Imported 5,004 entries.\n')
    const sum = 'select count(*), sum(hashtextextended(key || value, 0)) from cache_entries'
    expect((await createPool(to.url).query(sum)).rows).toEqual((await createPool(from.url).query(sum)).rows)
  })

  it('ends silently if its reader does', async () => {
    const { url, variables } = await createSite()
    await createPool(url).query(
      `insert into cache_entries (key, value) select 'k' || i, to_json(repeat('v', 500)) from generate_series(1, 5000) as i`,
    )
    const { child, said, ended } = start(['export'], variables)
    child.stdout.once('data', () => child.stdout.destroy())
    expect([await ended, said.err]).toEqual([0, ''])
  })

  it('covers a namespace, which import puts into the given one', async () => {
    const { pgstash, url } = await createSite()
    const cache = await fill(url)
    await cache.namespace('shop').set('y'.repeat(3_000), 'a long key')
    const { out } = await pgstash(['export', '--namespace', 'shop'])
    await cache.clear()
    expect(await pgstash(['import', '--namespace', 'copy'], out)).toMatchObject({
      out: 'Imported 1 entry.\n',
      err: 'Skipped 1 entry with long keys, which cannot move to another namespace.\n',
    })
    expect(await cache.namespace('copy').namespace('e|u').get('k')).toBe('nested')
    expect((await pgstash(['import'], out)).out).toBe('Imported 2 entries.\n')
    expect(await cache.namespace('shop').get('y'.repeat(3_000))).toBe('a long key')
    expect(await cache.namespace('shop').namespace('e|u').get('k')).toBe('nested')
  })
})

describe('import of tagged entries', () => {
  it('into the same database invalidates entries whose tags were invalidated since the export', async () => {
    const { pgstash, url } = await createSite()
    const cache = cacheAt(url)
    await cache.set('old', 1, { tags: ['changed'] })
    await cache.set('same', 1, { tags: ['unchanged'] })
    const { out } = await pgstash(['export'])
    await cache.invalidate('changed')
    await cache.deleteMany(['old', 'same'])
    expect(await pgstash(['import'], out)).toEqual({ code: 0, out: 'Imported 2 entries.\n', err: '' })
    expect([await cache.get('old'), await cache.get('same')]).toEqual([undefined, 1])
  })

  it('from another database counts them as read now, or omits them if asked to', async () => {
    const [from, to] = [await createSite(), await createSite()]
    await cacheAt(from.url).set('k', 1, { tags: ['t'] })
    const { out } = await from.pgstash(['export'])
    const cache = cacheAt(to.url)
    await cache.invalidate('t')
    expect(await to.pgstash(['import', '--strict'], out)).toMatchObject({
      out: 'Imported 0 entries.\n',
      err: 'Skipped 1 entry with tags from another database.\n',
    })
    await to.pgstash(['import'], out)
    expect(await cache.get('k')).toBe(1)
    await cache.invalidate('t')
    expect(await cache.get('k')).toBe(undefined)
  })
})

describe('import', () => {
  const SECRET = 's3cret'
  it.each([
    ['is not JSON', `{"key":"${SECRET}`, 'Line 2: expected JSON.'],
    ['is not an object', '[1]', 'Line 2: expected an object, got an array.'],
    ['has no key', `{"value":"${SECRET}"}`, 'Line 2: expected a key.'],
    ['has an unknown field', `{"key":"k","valeu":"${SECRET}"}`, 'Line 2: unknown field. Expected only namespace,'],
    ['has an invalid key', '{"key":""}', 'expected key to be a key as it is stored, got a string'],
    ['has a key with U+0000', '{"key":"a\\u0000"}', 'expected key to be'],
    ['has a value that is not text', '{"key":"k","value":5}', 'expected value to be text, got a number'],
    ['has an invalid number', '{"key":"k","number":"NaN"}', 'expected number to be a decimal number as text'],
    ['has both', '{"key":"k","number":"1","value":"1"}', 'expected a value or a number, got both'],
    ['has an invalid deadline', '{"key":"k","expiresAt":"soon"}', 'expected expiresAt to be an instant'],
    ['has invalid tags', '{"key":"k","tags":"a"}', 'expected tags to be an array'],
    ['has an invalid snapshot', '{"key":"k","filledAt":"now"}', 'expected filledAt to be a snapshot'],
    ['has a key that is too long', JSON.stringify({ key: 'k'.repeat(513) }), 'expected a key of at most 512 bytes'],
  ])(
    'names the line that %s, repeats none of its content, and stores nothing of its batch',
    async (_name, line, message) => {
      const { code, out, err } = await run(['import'], { DATABASE_URL: site }, `{"key":"first"}\n${line}\n`)
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain(message)
      expect(err).not.toContain(SECRET)
      expect(await rowsOf(site)).toEqual([])
    },
  )

  it('omits expired entries, and uses the last of duplicates', async () => {
    const { pgstash, url } = await createSite()
    const lines = [
      '{"key":"past","value":"1","expiresAt":"2020-01-01T00:00:00Z"}',
      '{"key":"twice","number":"1"}',
      '',
      '{"key":"twice","number":"2"}',
    ]
    expect(await pgstash(['import'], lines.join('\n'))).toEqual({
      code: 0,
      out: 'Imported 1 entry.\n',
      err: 'Skipped 1 entry that had expired.\n',
    })
    expect(await cacheAt(url).getMany(['past', 'twice'])).toEqual(new Map([['twice', 2]]))
  })

  it('accepts empty input', async () => {
    expect((await run(['import'], { DATABASE_URL: site }, '')).out).toBe('Imported 0 entries.\n')
  })
})

const site = await createDatabase()
await migrate(drizzle(createPool(site)))
