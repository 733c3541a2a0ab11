/** Both handlers with an unreachable database: only revalidations throw, and everything works after recovery. */
import { createCache, DatabaseError, DatabaseTimeoutError } from 'pgstash'
import { cacheHandler, cacheHandlers } from 'pgstash/next'
import type { Fault } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { cleanup } from '../../setup/cleanup.ts'
import { eventually } from '../../setup/eventually.ts'
import { createSite, entryOf, type Site, textOf } from './site.ts'

const TIMEOUT_MS = 300

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(async () => {
  site.faults.heal()
  await site.cache.clear()
})

const FAULTS: Record<string, Fault> = {
  'cuts the connection': { kind: 'reset' },
  'never answers': { kind: 'hang' },
  'answers with an error': { kind: 'error', status: 503 },
  'has too many requests': { kind: 'error', status: 429 },
}
const PAGE = { kind: 'PAGES', html: '<p>', pageData: {}, headers: {}, status: 200 }

describe.each(Object.entries(FAULTS))('a database that %s', (_, fault) => {
  it('makes "use cache" miss', async () => {
    const handler = cacheHandlers(createCache(site.db, { timeout: TIMEOUT_MS }))
    await cacheHandlers(site.cache).set('key', Promise.resolve(entryOf('kept')))
    site.faults.always(fault)
    expect(await handler.get('key', ['a'])).toBeUndefined()
    expect(await handler.set('key', Promise.resolve(entryOf('lost')))).toBeUndefined()
    site.faults.heal()
    await eventually(async () => expect(await textOf(await handler.get('key', ['a']))).toBe('kept'))
  })

  it('makes a page miss', async () => {
    const handler = new (cacheHandler(createCache(site.db, { timeout: TIMEOUT_MS })))()
    await new (cacheHandler(site.cache))().set('/page', PAGE)
    site.faults.always(fault)
    expect(await handler.get('/page', { kind: 'PAGES' })).toBeNull()
    expect(await handler.set('/page', { ...PAGE, html: 'lost' })).toBeUndefined()
    site.faults.heal()
    await eventually(async () => expect(await handler.get('/page', { kind: 'PAGES' })).toMatchObject({ value: PAGE }))
  })

  it.each(['throw', 'miss'] as const)('makes revalidations reject, with onError: %s', async (onError) => {
    const cache = createCache(site.db, { timeout: TIMEOUT_MS, onError })
    const [handler, pages] = [cacheHandlers(cache), new (cacheHandler(cache))()]
    site.faults.always(fault)
    for (const attempt of [
      () => handler.updateTags(['a']),
      () => handler.updateTags(['b'], { expire: 60 }),
      () => handler.expireTags('c'),
      () => pages.revalidateTag('d'),
    ]) {
      const error = await attempt().catch((thrown: unknown) => thrown)
      expect(error instanceof DatabaseError || error instanceof DatabaseTimeoutError).toBe(true)
    }
  })
})

describe('a database that stays unreachable', () => {
  it('is skipped for a moment after five failures', async () => {
    const handler = cacheHandlers(createCache(site.db, { timeout: TIMEOUT_MS }))
    site.faults.always({ kind: 'reset' })
    // The moment is a second. A busy machine may need longer.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    cleanup(() => clock.mockRestore())
    for (let i = 0; i < 5; i++) await handler.get(String(i), [])
    site.faults.reset()
    for (let i = 0; i < 20; i++) {
      await handler.get(String(i), [])
      await handler.set(String(i), Promise.resolve(entryOf('x')))
    }
    expect(site.faults.requests).toBe(0)
    clock.mockRestore()
  })

  it('may have no address at all', async () => {
    const nowhere = () => {
      throw new Error('no DATABASE_URL')
    }
    const handler = cacheHandlers(createCache(nowhere, { warn: false }))
    expect(await handler.get('key', [])).toBeUndefined()
    expect(await handler.set('key', Promise.resolve(entryOf('x')))).toBeUndefined()
  })
})

describe('a value that is larger than the cache accepts', () => {
  it('is not stored, and an event reports that', async () => {
    const events: unknown[] = []
    const cache = createCache(site.db, {
      timeout: 60_000,
      maxValueBytes: 1_000,
      onEvent: (event) => events.push(event),
    })
    const handler = cacheHandlers(cache)
    await handler.set('key', Promise.resolve(entryOf('kept')))
    expect(await handler.set('key', Promise.resolve(entryOf('x'.repeat(2_000))))).toBeUndefined()
    expect(events).toContainEqual(expect.objectContaining({ type: 'error', operation: 'set' }))
    expect(await textOf(await handler.get('key', []))).toBe('kept')
  })
})

describe('options', () => {
  it.each([
    ['no cache', () => cacheHandlers(undefined as never)],
    ['an unknown option', () => cacheHandlers(site.cache, { ttl: 1 } as never)],
    ['an endless retention', () => cacheHandlers(site.cache, { retention: null })],
    ['a retention of zero', () => cacheHandler(site.cache, { retention: 0 })],
    ['a build id that is not text', () => cacheHandler(site.cache, { buildId: 1 as never })],
  ])('%s is refused at once', (_, create) => {
    expect(create).toThrow(expect.objectContaining({ code: expect.any(String) }))
  })
})
