import { sql } from 'drizzle-orm'
import { createCache } from 'pgstash'
import { cacheHandler, cacheHandlers, type IncrementalCacheHandler } from 'pgstash/next'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { advance } from '../../setup/postgres-store.ts'
import { costOf, createSite, ONE, type Site } from './site.ts'

let site: Site
/** An instance for each request, as Next makes them. */
let request: () => IncrementalCacheHandler

beforeAll(async () => {
  site = await createSite()
})
beforeEach(async () => {
  await site.cache.clear()
  const Handler = cacheHandler(site.cache)
  request = () => new Handler()
})

const KEY = '/route-cache/APP_PAGE/0123456789abcdef/$/blog/post'
const TAGS = '_N_T_/layout,_N_T_/blog/layout,_N_T_/blog/post,posts'
const PAGE = {
  kind: 'APP_PAGE',
  html: '<p>é\u0000</p>',
  rscData: Buffer.from([0, 255, 254, 10]),
  postponed: undefined,
  headers: { 'x-next-cache-tags': TAGS, vary: ['a', 'b'] },
  status: 200,
  segmentData: new Map([
    ['/_tree', Buffer.from([1, 2])],
    ['/_full', Buffer.from([])],
  ]),
}
const ROUTE = {
  kind: 'APP_ROUTE',
  body: Buffer.from([0xff, 0, 1]),
  headers: { 'x-next-cache-tags': TAGS },
  status: 201,
}
const PAGES = { kind: 'PAGES', html: '<b>', pageData: { pageProps: { a: [1, null] } }, headers: {}, status: 200 }
const REDIRECT = { kind: 'REDIRECT', props: { __N_REDIRECT: '/' } }
const IMAGE = {
  kind: 'IMAGE',
  etag: 'e',
  upstreamEtag: 'u',
  buffer: Buffer.from([9, 8]),
  extension: 'webp',
  revalidate: 60,
}
const FETCH = {
  kind: 'FETCH',
  data: { headers: { a: 'b' }, body: '"\ud800"', url: 'https://example.com', status: 200 },
  tags: ['posts'],
  revalidate: 60,
}
const CONTROL = { cacheControl: { revalidate: 60, expire: 3_600 } }

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
  it('comes back as it was, on another instance', async () => {
    await request().set(KEY, value, set)
    const found = await new (cacheHandler(createCache(site.db)))().get(KEY, get)
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

  it('has its lifetime, for processes that do not know it', async () => {
    await request().set(KEY, PAGE, { cacheControl: { revalidate: 3_600, expire: undefined } })
    expect((await request().get(KEY, { kind: 'APP_PAGE' }))?.cacheControl).toEqual({
      revalidate: 3_600,
      expire: undefined,
    })
  })

  it('goes at expire', async () => {
    await request().set(KEY, PAGE, CONTROL)
    await advance(site.db, 3_599_000)
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).not.toBeNull()
    await advance(site.db, 2_000)
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
  })

  it('has no data as a fallback, nor if it is to be resumed', async () => {
    await request().set(KEY, { ...PAGE, postponed: 'state' }, CONTROL)
    const get = async (context: object) => (await request().get(KEY, { kind: 'APP_PAGE', ...context }))?.value.rscData
    expect(await get({ isFallback: true })).toBeUndefined()
    expect(await get({ isFallback: false, isRoutePPREnabled: true })).toBeUndefined()
    expect(await get({ isFallback: false, isRoutePPREnabled: false })).toEqual(PAGE.rscData)
  })

  it('of the pages directory has empty data as a fallback', async () => {
    await request().set(KEY, PAGES, CONTROL)
    expect((await request().get(KEY, { kind: 'PAGES', isFallback: true }))?.value.pageData).toEqual({})
  })

  it('that was not found is a hit whose value is null', async () => {
    await request().set(KEY, null, CONTROL)
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toMatchObject({ value: null })
    await request().revalidateTag('_N_T_/blog/post')
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
  })

  it('belongs to its build, and data of fetch to all', async () => {
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

  it('reads the id of its build where Next has written it', async () => {
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
    // Without an id, pages of two builds could mix.
    const unknown = new Handler(context(undefined, '/none/.next/server'))
    await unknown.set(KEY, PAGE, CONTROL)
    expect(await unknown.get(KEY, { kind: 'APP_PAGE' })).toBeNull()
  })
})

describe('data of fetch', () => {
  it('that only a build keeps for its workers does not reach the next build', async () => {
    await request().set('data', FETCH, { fetchCache: true, tags: ['posts'], isImplicitBuildTimeCache: true })
    expect(await request().get('data', { kind: 'FETCH' })).toBeNull()
  })
})

describe('a revalidated tag', () => {
  it.each([
    ['APP_PAGE', PAGE, 'posts'],
    ['APP_PAGE by its path', PAGE, '_N_T_/blog/post'],
    ['APP_ROUTE', ROUTE, 'posts'],
    ['APP_ROUTE by its path', ROUTE, '_N_T_/blog/post'],
    ['PAGES by its path', PAGES, '_N_T_/blog/post'],
  ])('expires %s on every instance', async (_, value, tag) => {
    await request().set(KEY, value, CONTROL)
    const get = () => new (cacheHandler(createCache(site.db)))().get(KEY, { kind: value.kind })
    expect(await get()).not.toBeNull()
    await request().revalidateTag('another')
    expect(await get()).not.toBeNull()
    await request().revalidateTag([tag])
    expect(await get()).toBeNull()
  })

  it.each([
    ['its own tags', 'posts', {}],
    ['tags of the request', 'new', { tags: ['new'] }],
    ['tags of the page', '_N_T_/layout', { softTags: ['_N_T_/layout'] }],
  ])('expires data of fetch by %s', async (_, tag, context) => {
    await request().set('data', FETCH, { fetchCache: true, tags: ['posts'] })
    await request().revalidateTag(tag)
    expect(await request().get('data', { kind: 'FETCH', ...context })).toBeNull()
    await request().set('data', FETCH, { fetchCache: true, tags: ['posts'] })
  })

  it('with a comma expires pages by both readings of their header', async () => {
    await request().set(KEY, { ...PAGE, headers: { 'x-next-cache-tags': 'a,b' } }, CONTROL)
    await request().revalidateTag('a,b')
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
  })

  it('takes encoded tags as they are', async () => {
    await request().set(KEY, { ...PAGE, headers: { 'x-next-cache-tags': '%C3%A9' } }, CONTROL)
    await request().revalidateTag('é')
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).not.toBeNull()
    await request().revalidateTag('%C3%A9')
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
  })

  it('costs one statement together with the handler of "use cache"', async () => {
    const handlers = cacheHandlers(site.cache)
    const all = () => Promise.all([handlers.updateTags(['a', 'b']), request().revalidateTag(['a', 'b'])])
    expect(await costOf(site.faults, all)).toEqual(ONE)
  })

  it('that Next names to the instance is revalidated for it', async () => {
    await request().set(KEY, PAGE, CONTROL)
    const Handler = cacheHandler(site.cache)
    expect(await new Handler({ revalidatedTags: ['posts'] }).get(KEY, { kind: 'APP_PAGE' })).toBeNull()
    expect(await new Handler({ revalidatedTags: ['other'] }).get(KEY, { kind: 'APP_PAGE' })).not.toBeNull()
  })

  it('rejects a render that was under way', async () => {
    const one = request()
    expect(await one.get(KEY, { kind: 'APP_PAGE' })).toBeNull()
    await request().revalidateTag('posts')
    await one.set(KEY, PAGE, CONTROL)
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
  })

  it('rejects a refresh that was under way, of an entry that was past revalidate', async () => {
    const control = { cacheControl: { revalidate: 1e-9, expire: 3_600 } }
    await request().set(KEY, PAGE, control)
    const one = request()
    expect(await one.get(KEY, { kind: 'APP_PAGE' })).not.toBeNull()
    await request().revalidateTag('posts')
    await one.set(KEY, PAGE, control)
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
  })
})

describe('a tag that is revalidated with a lifetime', () => {
  /** What Next makes of an answer. */
  function judged(found: {
    lastModified: number
    cacheControl?: { revalidate: number | false; expire?: number | undefined } | undefined
  }) {
    const { lastModified, cacheControl } = found
    const now = performance.timeOrigin + performance.now()
    if (cacheControl?.expire !== undefined && cacheControl.expire * 1_000 + lastModified < now) return 'blocks'
    const revalidate = cacheControl?.revalidate ?? false
    return revalidate !== false && revalidate * 1_000 + lastModified < now ? 'stale' : 'fresh'
  }

  it.each([
    [{ revalidate: 60, expire: 3_600 }],
    [{ revalidate: 60, expire: 61 }],
    [{ revalidate: 60, expire: undefined }],
    [{ revalidate: false as const, expire: undefined }],
    [{ revalidate: 31_536_000, expire: 63_072_000 }],
    [{ revalidate: 2_000_000_000, expire: undefined }],
  ])('makes a page with %j stale, and does not block', async (cacheControl) => {
    await request().set(KEY, PAGE, { cacheControl })
    const before = await request().get(KEY, { kind: 'APP_PAGE' })
    await request().revalidateTag(['posts'], { expire: 300 })
    const after = await request().get(KEY, { kind: 'APP_PAGE' })
    expect([before, after].map((found) => found && judged(found))).toEqual(['fresh', 'stale'])
    expect(after?.lastModified).not.toBe(-1)
  })

  it('makes data of fetch older than its lifetime', async () => {
    await request().set('data', FETCH, { fetchCache: true, tags: ['posts'] })
    await request().revalidateTag(['posts'], { expire: 300 })
    const found = await request().get('data', { kind: 'FETCH', revalidate: 900 })
    expect(performance.timeOrigin + performance.now() - (found?.lastModified ?? 0)).toBeGreaterThan(900_000)
  })

  it('expires after that time, and leaves what was rendered after it', async () => {
    await request().set(KEY, PAGE, CONTROL)
    await request().revalidateTag(['posts'], { expire: 300 })
    const one = request()
    expect(await one.get(KEY, { kind: 'APP_PAGE' })).not.toBeNull()
    await one.set('/other', ROUTE, CONTROL)
    await advance(site.db, 301_000)
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
    expect(await request().get('/other', { kind: 'APP_ROUTE' })).not.toBeNull()
  })
})

it('an entry that is no entry of ours is a miss', async () => {
  await request().set(KEY, PAGE, CONTROL)
  await site.db.execute(sql`update cache_entries set value = '"text"'`)
  expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
})
