/** Nitro 2, on which Nuxt 3 and 4 run: a real build with Nuxt's mounts, served by node from the output alone. */
import { createCache } from 'pgstash'
import { describe, expect, it } from 'vitest'
import { eventually } from '../setup/eventually.ts'
import { advance } from '../setup/postgres-store.ts'
import { buildApp } from './nitro-app.ts'
import { callStorage, createNitroSite, livesOf, makeStale, textOf } from './nitro-site.ts'

const DAYS_30_MINUTES = 30 * 24 * 60

const site = createNitroSite(() => buildApp({ app: 'nitro-2', tool: 'nitropack', cli: 'dist/cli/index.mjs' }))

describe('a cached handler of Nitro 2', () => {
  it('is computed once for all processes, and lives for its maxAge', async () => {
    const first = await textOf(site.ask('/page'))
    expect(await livesOf(site)).toEqual([1])
    expect([await textOf(site.ask('/page')), await textOf(site.askOther('/page'))]).toEqual([first, first])
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

  it('with swr outlives maxAge and staleMaxAge, although Nitro names no ttl, but not forever', async () => {
    const first = await textOf(site.ask('/swr'))
    expect(await livesOf(site)).toEqual([DAYS_30_MINUTES])
    await makeStale(site)
    await advance(site.db, 3_660_000)
    expect(await textOf(site.askOther('/swr'))).toBe(first)
    const [key = ''] = (await site.pages.list()).entries.map((entry) => entry.key)
    // The other process alone refreshes it. A refresh by this one too could store its result during the next test.
    await eventually(async () => expect(await site.pages.get(key)).not.toContain(first))
    expect(await textOf(site.ask('/swr'))).not.toBe(first)
  })

  it('may come from a route rule', async () => {
    const first = await textOf(site.ask('/ruled'))
    expect(await livesOf(site)).toEqual([DAYS_30_MINUTES])
    expect(await textOf(site.askOther('/ruled'))).toBe(first)
  })

  it('with a cookie is not shared', async () => {
    const [one, two] = [await textOf(site.ask('/cookie')), await textOf(site.askOther('/cookie'))]
    expect(one).not.toBe(two)
    expect((await site.pages.list()).entries).toEqual([])
  })
})

describe('a cached function of Nitro 2', () => {
  it('keeps its results apart, and shares them between processes', async () => {
    const a = await textOf(site.ask('/function?name=a'))
    const b = await textOf(site.ask('/function?name=b'))
    await livesOf(site, 2)
    expect(a).not.toBe(b)
    expect([await textOf(site.askOther('/function?name=a')), await textOf(site.askOther('/function?name=b'))]).toEqual([
      a,
      b,
    ])
  })
})

describe('useStorage of Nitro 2', () => {
  it('lists and clears one mount, and leaves the other', async () => {
    await textOf(site.ask('/page'))
    await livesOf(site)
    const set = await callStorage(site.ask, { base: 'data', calls: [['setItem', 'users:a', { name: 'Ada' }]] })
    expect(set).toHaveLength(1)
    const [keys] = await callStorage(site.askOther, { base: 'cache', calls: [['getKeys']] })
    expect(keys).toEqual([expect.stringMatching(/^nitro:handlers:_:page\..+\.json$/)])
    await callStorage(site.askOther, { base: '', calls: [['clear', 'cache']] })
    expect((await site.pages.list()).entries).toEqual([])
    const calls = [
      ['getItem', 'users:a'],
      ['getKeys', 'users'],
      ['hasItem', 'users:b'],
    ]
    const answers = await callStorage(site.ask, { base: 'data', calls })
    expect(answers).toEqual([{ name: 'Ada' }, ['users:a'], false])
    expect(await createCache(site.db, { timeout: 60_000 }).namespace('data').expiration('users:a')).toBe(null)
  })

  it('keeps files byte for byte', async () => {
    const body = Uint8Array.from({ length: 256 }, (_, i) => i)
    await site.ask('/file', { method: 'PUT', body, headers: { 'content-type': 'application/octet-stream' } })
    const file = await site.askOther('/file')
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(body)
  })

  it('prerenders a page with Nuxt’s own mount, without waiting for an unreachable database', async () => {
    expect(await textOf(site.ask('/prerendered'))).toBe('prerendered, DATABASE')
  })
})

describe('Nitro 2 without its database', () => {
  it('answers from the handlers, and caches again afterwards', async () => {
    site.faults.always({ kind: 'error', status: 503 })
    const answers = [await textOf(site.ask('/page')), await textOf(site.ask('/page'))]
    expect(new Set(answers).size).toBe(2)
    site.faults.heal()
    await eventually(async () => {
      const [one, two] = [await textOf(site.ask('/page')), await textOf(site.ask('/page'))]
      expect(one).toBe(two)
    })
  })

  // h3 takes the status of the answer from the error of the database.
  it('reports the outage to callers of a mount with onError throw', async () => {
    site.faults.always({ kind: 'error', status: 503 })
    const call = { base: 'data', calls: [['getItem', 'a']] }
    await expect(callStorage(site.ask, call)).rejects.toThrow(/^503/)
  })
})
