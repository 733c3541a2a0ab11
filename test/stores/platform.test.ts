/**
 * The platform's own cache as a first tier: in workerd, with Vercel's in-memory stand-in, and without either platform.
 */
import { getCache } from '@vercel/functions'
import { Miniflare } from 'miniflare'
import { memoryCache, platformCache, type RuntimeCache, tieredCache } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundleForEdge } from '../package/bundle.ts'
import { install, linkPackages, pack } from '../package/packed.ts'
import { cleanup } from '../setup/cleanup.ts'

const WORKER = `
import { memoryCache, platformCache, tieredCache } from 'pgstash'

const l2 = memoryCache()
const near = platformCache()
const other = tieredCache({ l1: platformCache(), l2: memoryCache() })
const cache = tieredCache({ l1: near, l2, l1Expiration: '1m' })

const steps = {
  async copies() {
    await l2.set('key', { some: 'value' }, { tags: ['x'], expiration: '1h' })
    await cache.get('key')
    await l2.set('key', 'changed behind it')
    return [await cache.get('key'), await near.has('key')]
  },
  async ofAnotherIsolate() {
    // Another cache of the same place, as another isolate has it.
    await cache.set('shared', 'copy')
    return [await other.get('shared')]
  },
  async invalidated() {
    await cache.set('tagged', 1, { tags: ['y'] })
    await cache.invalidate('y')
    return [await cache.get('tagged') === undefined, await near.has('tagged')]
  },
  async dots() {
    // What a URL drops from its path.
    await cache.set('.', 'one')
    await cache.set('..', 'two')
    return [await cache.get('.'), await cache.get('..')]
  },
  async removed() {
    await cache.setMany({ a: 1, b: null })
    const before = [...(await cache.getMany(['a', 'b']))]
    await cache.delete('a')
    await cache.clear()
    return [before, await cache.get('a') === undefined, await cache.get('b') === undefined]
  },
}
export default {
  async fetch(request) {
    return Response.json(await steps[new URL(request.url).pathname.slice(1)]())
  },
}`

describe('platformCache on Workers', () => {
  let ask: (step: string) => Promise<unknown>
  beforeAll(async () => {
    const folder = await install(await pack())
    await linkPackages(folder, [])
    const miniflare = new Miniflare({
      modules: [{ type: 'ESModule', path: 'worker.mjs', contents: await bundleForEdge({ entry: WORKER, folder }) }],
      compatibilityDate: '2026-04-01',
    })
    cleanup(() => miniflare.dispose())
    ask = async (step) => (await miniflare.dispatchFetch(`http://worker.test/${step}`)).json()
  })

  it('keeps copies in caches.default', async () => {
    expect(await ask('copies')).toEqual([{ some: 'value' }, true])
  })

  it('shares copies with other isolates of the data center', async () => {
    expect(await ask('ofAnotherIsolate')).toEqual(['copy'])
  })

  it('separates keys whose characters have a meaning in paths', async () => {
    expect(await ask('dots')).toEqual(['one', 'two'])
  })

  it('no longer answers with entries that were invalidated, deleted or cleared here', async () => {
    expect(await ask('invalidated')).toEqual([true, false])
    expect(await ask('removed')).toEqual([
      [
        ['a', 1],
        ['b', null],
      ],
      true,
      true,
    ])
  })
})

describe('platformCache on Vercel', () => {
  let runtime: RuntimeCache
  let prefix = ''
  beforeEach(() => {
    // The stand-in that Vercel's package uses outside of Vercel.
    prefix = crypto.randomUUID()
    runtime = getCache({ namespace: prefix }) as RuntimeCache
  })
  const tiers = () => {
    const l2 = memoryCache()
    return { l2, cache: tieredCache({ l1: platformCache({ vercel: runtime }), l2, l1Expiration: '1m' }) }
  }

  it('keeps copies, with their tags, for other functions of the region', async () => {
    const { cache, l2 } = tiers()
    await l2.set('key', [1, null, 'x'], { tags: ['tag'] })
    expect(await cache.get('key')).toEqual([1, null, 'x'])
    await l2.clear()
    expect(await cache.get('key')).toEqual([1, null, 'x'])
    const another = tiers()
    expect(await another.cache.get('key')).toEqual([1, null, 'x'])
    await another.cache.invalidate('tag')
    expect(await cache.get('key')).toBe(undefined)
  })

  it('keeps no copy beyond the expiration of its entry, and ignores copies that it cannot read', async () => {
    const { cache } = tiers()
    await cache.set('gone', 1, { expiration: 0 })
    expect(await cache.get('gone')).toBe(undefined)
    await cache.set('number', 1.5)
    expect(await cache.get('number')).toBe(1.5)
    const near = platformCache({ vercel: runtime })
    await runtime.set('odd', 'no copy of ours', { ttl: 60 })
    await runtime.set('odder', { at: 1 }, { ttl: 60 })
    expect([await near.get('odd'), await near.has('odder')]).toEqual([undefined, false])
  })

  it('gives each copy of a batch the tags of a generator that can be read only once', async () => {
    const near = platformCache({ vercel: runtime })
    await near.setMany({ a: 1, b: 2 }, { tags: new Set(['tag']).values() })
    await near.invalidate('tag')
    expect((await near.getMany(['a', 'b'])).size).toBe(0)
  })

  it('drops copies of another isolate rather than trust its clock', async () => {
    const one = platformCache({ vercel: runtime })
    const other = platformCache({ vercel: runtime })
    await one.set('key', 'of another')
    await other.clear()
    expect(await other.get('key')).toBe(undefined)
    await other.set('key', 'own, later')
    await new Promise((resolve) => setTimeout(resolve, 2))
    await other.set('key', 'own, later')
    expect(await other.get('key')).toBe('own, later')
  })
})

it('without a platform, platformCache keeps nothing, and the second tier answers', async () => {
  const l2 = memoryCache()
  const cache = tieredCache({ l1: platformCache(), l2 })
  await cache.set('key', 1)
  await l2.set('key', 2)
  expect(await cache.get('key')).toBe(2)
  expect(await cache.getOrSet('other', 3)).toBe(3)
})

it('platformCache refuses at once a value that is not a runtime cache', async () => {
  expect(() => platformCache({ vercel: {} as never })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  expect(() => platformCache({ codec: 1 as never })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  const near = platformCache()
  await expect(near.get('')).rejects.toMatchObject({ code: 'INVALID_KEY' })
  await expect(near.set('key', 1, { expiration: Number.NaN })).rejects.toMatchObject({ code: 'INVALID_EXPIRATION' })
})
