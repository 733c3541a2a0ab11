import { sql } from 'drizzle-orm'
import { createCache } from 'pgstash'
import { cacheHandler, type IncrementalCacheHandler } from 'pgstash/next'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { advance } from '../../setup/postgres-store.ts'
import { costOf, createSite, ONE, type Site } from './site.ts'
import { CONTROL, FETCH, IMAGE, KEY, PAGE, PAGES, REDIRECT, ROUTE } from './values.ts'

let site: Site
/** A new instance for each request, as Next creates them. */
let request: () => IncrementalCacheHandler

beforeAll(async () => {
  site = await createSite()
})
beforeEach(async () => {
  await site.cache.clear()
  const Handler = cacheHandler(site.cache)
  request = () => new Handler()
})

const VALUES = [
  ['APP_PAGE', PAGE, { kind: 'APP_PAGE' }, CONTROL],
  ['APP_ROUTE', ROUTE, { kind: 'APP_ROUTE' }, CONTROL],
  ['PAGES', PAGES, { kind: 'PAGES' }, CONTROL],
  ['REDIRECT', REDIRECT, { kind: 'PAGES' }, CONTROL],
  ['IMAGE', IMAGE, { kind: 'IMAGE' }, { ...CONTROL, kind: 'IMAGE' }],
  [
    'FETCH',
    FETCH,
    { kind: 'FETCH', tags: ['posts'], softTags: ['_N_T_/layout'] },
    { fetchCache: true, tags: ['posts'] },
  ],
] as const

describe.each(VALUES)('a value of the kind %s', (_, value, get, set) => {
  it('comes back unchanged on another instance', async () => {
    await request().set(KEY, value, set)
    const found = await new (cacheHandler(createCache(site.db, { timeout: 60_000 })))().get(KEY, get)
    expect(found?.value).toEqual(value)
    expect(found?.lastModified).toBeGreaterThan(0)
  })

  it('costs one round trip to read, hit or miss, and one to write', async () => {
    const one = request()
    expect(await costOf(site.faults, () => one.get(KEY, get))).toEqual(ONE)
    expect(await costOf(site.faults, () => one.set(KEY, value, set))).toEqual(ONE)
    expect(await costOf(site.faults, () => request().get(KEY, get))).toEqual(ONE)
  })

  it('is kept past revalidate', async () => {
    await request().set(KEY, value, set)
    await advance(site.db, 120_000)
    expect((await request().get(KEY, get))?.value).toEqual(value)
  })
})

describe('a page', () => {
  it('has Buffers, and a Map of Buffers', async () => {
    await request().set(KEY, PAGE, CONTROL)
    const { value } = (await request().get(KEY, { kind: 'APP_PAGE' })) ?? {}
    expect([value.rscData, value.segmentData.get('/_tree')].map(Buffer.isBuffer)).toEqual([true, true])
    expect(value.rscData.toString('hex')).toBe('00fffe0a')
  })

  it('has its lifetime, also for processes that have not rendered it', async () => {
    await request().set(KEY, PAGE, { cacheControl: { revalidate: 3_600, expire: undefined } })
    expect((await request().get(KEY, { kind: 'APP_PAGE' }))?.cacheControl).toEqual({
      revalidate: 3_600,
      expire: undefined,
    })
  })

  it('expires at its expire time', async () => {
    await request().set(KEY, PAGE, CONTROL)
    await advance(site.db, 3_500_000)
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).not.toBeNull()
    await advance(site.db, 101_000)
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
  })

  it('has no data as a fallback, nor if it is to be resumed', async () => {
    await request().set(KEY, { ...PAGE, postponed: 'state' }, CONTROL)
    const get = async (context: object) => (await request().get(KEY, { kind: 'APP_PAGE', ...context }))?.value.rscData
    expect(await get({ isFallback: true })).toBeUndefined()
    expect(await get({ isFallback: false, isRoutePPREnabled: true })).toBeUndefined()
    expect(await get({ isFallback: false, isRoutePPREnabled: false })).toEqual(PAGE.rscData)
  })

  it('in the pages directory has empty data as a fallback', async () => {
    await request().set(KEY, PAGES, CONTROL)
    expect((await request().get(KEY, { kind: 'PAGES', isFallback: true }))?.value.pageData).toEqual({})
  })

  it('that was not found is a hit whose value is null', async () => {
    await request().set(KEY, null, CONTROL)
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toMatchObject({ value: null })
    await request().revalidateTag('_N_T_/blog/post')
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
  })

  it('belongs to its build, but fetch data to all builds', async () => {
    const builds = ['one', 'two'].map((buildId) => new (cacheHandler(site.cache, { buildId }))())
    const [one, two] = builds as [IncrementalCacheHandler, IncrementalCacheHandler]
    await one.set(KEY, PAGE, CONTROL)
    await one.set('data', FETCH, { fetchCache: true })
    expect([await two.get(KEY, { kind: 'APP_PAGE' }), (await one.get(KEY, { kind: 'APP_PAGE' }))?.value]).toEqual([
      null,
      PAGE,
    ])
    expect((await two.get('data', { kind: 'FETCH' }))?.value).toEqual(FETCH)
  })

  it('reads the id of its build from Next’s file', async () => {
    const read: string[] = []
    const Handler = cacheHandler(site.cache)
    const context = (id: string | undefined, folder: string) => ({
      serverDistDir: folder,
      fs: {
        async readFile(path: string) {
          read.push(path)
          if (id === undefined) throw new Error('ENOENT')
          return `${id}\n`
        },
      },
    })
    await new Handler(context('one', '/app/.next/server')).set(KEY, PAGE, CONTROL)
    expect(await new Handler(context('one', '/copy/.next/server')).get(KEY, { kind: 'APP_PAGE' })).not.toBeNull()
    expect(await new Handler(context('two', '/new/.next/server')).get(KEY, { kind: 'APP_PAGE' })).toBeNull()
    expect(read).toContain('/app/.next/server/../BUILD_ID')
    // Without an id, pages of two builds could be mixed up.
    const unknown = new Handler(context(undefined, '/none/.next/server'))
    await unknown.set(KEY, PAGE, CONTROL)
    expect(await unknown.get(KEY, { kind: 'APP_PAGE' })).toBeNull()
  })
})

describe('fetch data', () => {
  it('that a build shares only with its workers does not reach the next build', async () => {
    await request().set('data', FETCH, { fetchCache: true, tags: ['posts'], isImplicitBuildTimeCache: true })
    expect(await request().get('data', { kind: 'FETCH' })).toBeNull()
  })
})

it('an entry of another format is a miss', async () => {
  await request().set(KEY, PAGE, CONTROL)
  await site.db.execute(sql`update cache_entries set value = '"text"'`)
  expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
})
