import { createCache } from 'pgstash'
import { cacheHandler, cacheHandlers, type IncrementalCacheHandler } from 'pgstash/next'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { advance } from '../../setup/postgres-store.ts'
import { costOf, createSite, ONE, type Site } from './site.ts'
import { CONTROL, FETCH, KEY, PAGE, PAGES, ROUTE } from './values.ts'

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

describe('a revalidated tag', () => {
  it.each([
    ['APP_PAGE', PAGE, 'posts'],
    ['APP_PAGE by its path', PAGE, '_N_T_/blog/post'],
    ['APP_ROUTE', ROUTE, 'posts'],
    ['APP_ROUTE by its path', ROUTE, '_N_T_/blog/post'],
    ['PAGES by its path', PAGES, '_N_T_/blog/post'],
  ])('expires %s on every instance', async (_, value, tag) => {
    await request().set(KEY, value, CONTROL)
    const get = () => new (cacheHandler(createCache(site.db, { timeout: 60_000 })))().get(KEY, { kind: value.kind })
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
  ])('expires fetch data by %s', async (_, tag, context) => {
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

  it('accepts encoded tags unchanged', async () => {
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

  it('that Next passes to the constructor is revalidated for that instance', async () => {
    await request().set(KEY, PAGE, CONTROL)
    const Handler = cacheHandler(site.cache)
    expect(await new Handler({ revalidatedTags: ['posts'] }).get(KEY, { kind: 'APP_PAGE' })).toBeNull()
    expect(await new Handler({ revalidatedTags: ['other'] }).get(KEY, { kind: 'APP_PAGE' })).not.toBeNull()
  })

  it('rejects a render that was pending', async () => {
    const one = request()
    expect(await one.get(KEY, { kind: 'APP_PAGE' })).toBeNull()
    await request().revalidateTag('posts')
    await one.set(KEY, PAGE, CONTROL)
    expect(await request().get(KEY, { kind: 'APP_PAGE' })).toBeNull()
  })

  it('rejects a pending refresh of an entry past revalidate', async () => {
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
  /** How Next treats an answer. */
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

  it('makes fetch data older than its lifetime', async () => {
    await request().set('data', FETCH, { fetchCache: true, tags: ['posts'] })
    await request().revalidateTag(['posts'], { expire: 300 })
    const found = await request().get('data', { kind: 'FETCH', revalidate: 900 })
    expect(performance.timeOrigin + performance.now() - (found?.lastModified ?? 0)).toBeGreaterThan(900_000)
  })

  it('expires entries after that time, and leaves those rendered after it', async () => {
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
