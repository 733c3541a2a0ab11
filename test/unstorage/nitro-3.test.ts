/** Nitro 3, whose caches are those of ocache: a real build, served by node from the output alone. */
import { createCache } from 'pgstash'
import { describe, expect, it } from 'vitest'
import { eventually } from '../setup/eventually.ts'
import { advance } from '../setup/postgres-store.ts'
import { buildApp } from './nitro-app.ts'
import { callStorage, createNitroSite, livesOf, makeStale, textOf } from './nitro-site.ts'

const DAYS_30_MINUTES = 30 * 24 * 60
const ALL = Uint8Array.from({ length: 256 }, (_, i) => i)

const site = createNitroSite(() =>
  buildApp({
    app: 'nitro-3',
    tool: 'nitro',
    cli: 'dist/cli/index.mjs',
    files: { 'docs/snippets/unstorage/images.ts': 'server/lib/images.ts' },
  }),
)

describe('a cached handler of Nitro 3', () => {
  it('is computed once for all processes, and lives for its maxAge', async () => {
    const first = await textOf(site.ask('/page'))
    expect(await livesOf(site)).toEqual([1])
    expect(await textOf(site.askOther('/page'))).toBe(first)
    expect(site.origin.calls('/page')).toHaveLength(1)
    await advance(site.db, 60_000)
    expect(await textOf(site.askOther('/page'))).not.toBe(first)
    // Nitro writes after the response. A late write would count in the next test.
    await livesOf(site)
  })

  it('takes one round trip on a hit', async () => {
    await textOf(site.ask('/page'))
    await livesOf(site)
    site.faults.reset()
    await textOf(site.askOther('/page'))
    expect(site.faults.requests).toBe(1)
  })

  it('with swr and staleMaxAge lives for both', async () => {
    await textOf(site.ask('/bounded'))
    expect(await livesOf(site)).toEqual([61])
  })

  it('with swr alone outlives maxAge, although Nitro names no ttl, but not forever', async () => {
    const first = await textOf(site.ask('/swr'))
    expect(await livesOf(site)).toEqual([DAYS_30_MINUTES])
    await makeStale(site)
    expect(await textOf(site.askOther('/swr'))).toBe(first)
    const [key = ''] = (await site.pages.list()).entries.map((entry) => entry.key)
    // The other process alone refreshes it. A refresh by this one too could store its result during the next test.
    await eventually(async () => expect(await site.pages.get(key)).not.toContain(first))
    expect(await textOf(site.ask('/swr'))).not.toBe(first)
  })

  it('may come from a route rule', async () => {
    const first = await textOf(site.ask('/ruled'))
    await livesOf(site)
    expect(await textOf(site.askOther('/ruled'))).toBe(first)
  })

  it.each(['/image', '/blob'])('keeps a binary body byte for byte: %s', async (path) => {
    for (const ask of [site.ask, site.askOther]) {
      const image = await ask(path)
      expect(image.headers.get('content-type')).toBe('image/png')
      expect(new Uint8Array(await image.arrayBuffer())).toEqual(ALL)
      expect(await livesOf(site)).toEqual([1])
    }
    expect(site.origin.calls(path)).toHaveLength(1)
  })
})

describe('a cached function of Nitro 3', () => {
  it('shares its results between processes, until one invalidates them', async () => {
    const first = await textOf(site.ask('/function?name=a'))
    await livesOf(site)
    expect(await textOf(site.askOther('/function?name=a'))).toBe(first)
    const second = await textOf(site.askOther('/function?name=a', { method: 'DELETE' }))
    expect(second).not.toBe(first)
    const [key = ''] = (await site.pages.list()).entries.map((entry) => entry.key)
    // Nitro writes after the response.
    await eventually(async () => expect(await site.pages.get(key)).toContain(JSON.parse(second).text))
    expect(await textOf(site.ask('/function?name=a'))).toBe(second)
  })
})

describe('useStorage of Nitro 3', () => {
  it('lists and clears one mount, and leaves the other', async () => {
    await textOf(site.ask('/page'))
    await livesOf(site)
    await callStorage(site.ask, { base: 'data', calls: [['setItem', 'users:a', { name: 'Ada' }]] })
    const [keys] = await callStorage(site.askOther, { base: 'cache', calls: [['getKeys']] })
    expect(keys).toHaveLength(1)
    await callStorage(site.askOther, { base: '', calls: [['clear', 'cache']] })
    expect((await site.pages.list()).entries).toEqual([])
    expect(await callStorage(site.ask, { base: 'data', calls: [['getItem', 'users:a']] })).toEqual([{ name: 'Ada' }])
    expect(await createCache(site.db, { timeout: 60_000 }).namespace('data').expiration('users:a')).toBe(null)
  })

  it('keeps files byte for byte', async () => {
    await site.ask('/file', { method: 'PUT', body: ALL })
    expect(new Uint8Array(await (await site.askOther('/file')).arrayBuffer())).toEqual(ALL)
  })
})

describe('Nitro 3 without its database', () => {
  it('answers from the handlers, and caches again afterwards', async () => {
    site.faults.always({ kind: 'error', status: 503 })
    await textOf(site.ask('/page'))
    site.faults.heal()
    await eventually(async () => {
      const [one, two] = [await textOf(site.ask('/page')), await textOf(site.askOther('/page'))]
      expect(one).toBe(two)
    })
  })
})
