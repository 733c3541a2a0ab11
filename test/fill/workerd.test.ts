import { AsyncLocalStorage } from 'node:async_hooks'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { EdgeRuntime } from 'edge-runtime'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundleForEdge } from '../package/bundle.ts'
import { install, linkPackages, pack, ROOT } from '../package/packed.ts'
import type { Ask } from '../package/probes/fills.ts'
import { type Answered, answer, COMPATIBILITY_DATES, leavingClient, startWorker } from '../package/runtimes.ts'
import { eventually } from '../setup/eventually.ts'
import { createGate } from '../setup/gate.ts'
import { advance } from '../setup/postgres-store.ts'
import { createSite, pause, type Site, times } from './clients.ts'
import { type Origin, startOrigin } from './origin.ts'
import { startSlowLine } from './slow-line.ts'

/** Ways in which a worker creates its cache. */
const CACHES = [
  ['one cache for all requests', 'shared'],
  ['one cache for all requests and the waitUntil of cloudflare:workers', 'background'],
  ['a cache per request and ctx.waitUntil', 'own'],
] as const

const REQUESTS = 50
const COMPUTATION_MS = 200
/** Longer than any answer takes here. */
const HUNG_AFTER_MS = 30_000

let site: Site
let origin: Origin
let folder: string
let env: { ENDPOINT: string; DATABASE_URL: string; ORIGIN: string; RUNTIME: string }
let keys = 0

beforeAll(async () => {
  folder = await install(await pack())
  await linkPackages(folder, ['@neondatabase/serverless'])
  await cp(join(ROOT, 'test/package/probes'), join(folder, 'probes'), { recursive: true })
  site = await createSite()
  origin = await startOrigin()
  const { endpoint, connectionString } = site.server
  env = { ENDPOINT: endpoint, DATABASE_URL: connectionString, ORIGIN: origin.url, RUNTIME: 'workerd' }
})

beforeEach(() => {
  site.faults.heal()
  site.faults.reset()
})

describe.each(COMPATIBILITY_DATES)('getOrSet in workerd, compatibility date %s', (compatibilityDate) => {
  let isolate: string
  let another: string
  let script: string

  beforeAll(async () => {
    script = await bundleForEdge({ entry: `export { default } from './probes/fills-background.ts'`, folder })
    const start = () => startWorker(script, { bindings: env, compatibilityDate })
    ;[isolate, another] = await Promise.all([start(), start()])
  })

  describe.each(CACHES)('with %s', (_title, cache) => {
    it('computes once for 50 requests that arrive together', async () => {
      const key = newKey()
      answersAfter(key, REQUESTS)
      const answers = await Promise.all(times(REQUESTS, () => ask(isolate, { key, cache, arrives: true })))
      expect(answers).toEqual(times(REQUESTS, () => ok('value 1')))
      expect(origin.calls(key)).toBe(1)
    })

    it('computes once for 50 requests that arrive together at two isolates', async () => {
      const key = newKey()
      answersAfter(key, REQUESTS)
      const answers = await Promise.all(
        times(REQUESTS, (i) => ask(i % 2 ? isolate : another, { key, cache, arrives: true })),
      )
      expect(answers).toEqual(times(REQUESTS, () => ok('value 1')))
      expect(origin.calls(key)).toBe(1)
    })

    it('rejects only the leader if its computation throws, and the next leader computes for all others', async () => {
      const key = newKey()
      answersAfter(key, 20, { failures: 1 })
      const answers = await Promise.all(times(20, () => ask(isolate, { key, cache, arrives: true })))
      expect(answers.filter(({ status }) => status !== 200)).toEqual([failed])
      expect(answers.filter(({ status }) => status === 200)).toEqual(times(19, () => ok('value 2')))
      expect(origin.calls(key)).toBe(2)
    })

    it('rejects each of 20 requests with an error of its own if all computations throw', async () => {
      const key = newKey()
      origin.answers(key, () => {
        throw new Error('origin failed')
      })
      const answers = await Promise.all(times(20, () => ask(isolate, { key, cache, lease: 2 })))
      expect(answers).toEqual(times(20, () => failed))
      expect(origin.calls(key)).toBe(20)
    })

    it('answers the others when a computation outlasts its lease, and does not store its late value', async () => {
      const key = newKey()
      const gate = createGate()
      origin.answers(key, async (call) => {
        if (call === 1) await gate.opened
        return `value ${call}`
      })
      const first = ask(isolate, { key, cache, lease: 1 })
      await origin.called(key)
      const others = await Promise.all(times(20, () => ask(isolate, { key, cache, lease: 30 })))
      gate.open()
      expect(others).toEqual(times(20, () => ok('value 2')))
      expect(await first).toEqual(ok('value 1'))
      expect(await ask(isolate, { key, cache })).toEqual(ok('value 2'))
      expect(origin.calls(key)).toBe(2)
    })

    it('answers the others when a computation never ends', async () => {
      const key = newKey()
      origin.answers(key, (call) => `value ${call}`)
      const first = ask(isolate, { key, cache, lease: 1, isEndless: true })
      await committedLease(key)
      const others = await Promise.all(times(20, () => ask(isolate, { key, cache, lease: 30 })))
      expect(others).toEqual(times(20, () => ok('value 1')))
      expect(origin.calls(key)).toBe(1)
      // Nothing could ever end it, so workerd does.
      expect((await first).status).toBe(500)
    })

    if (cache === 'shared') {
      it('cancels the computation of a client that disconnects, and another takes over when its lease has run out', async () => {
        const key = newKey()
        origin.answers(key, (call) => (call === 1 ? createGate().opened.then(() => '') : `value ${call}`))
        const first = leavingClient(urlOf(isolate, { key, cache, lease: 1 }))
        await origin.called(key)
        const others = times(20, () => ask(isolate, { key, cache, lease: 30, arrives: true }))
        await origin.arrived(key, 20)
        first.leave()
        await origin.abandoned(key)
        expect(await Promise.all(others)).toEqual(times(20, () => ok('value 2')))
        expect(await ask(isolate, { key, cache })).toEqual(ok('value 2'))
        expect(origin.calls(key)).toBe(2)
      })
    } else {
      it('completes and stores the computation of a client that disconnects, within its waitUntil', async () => {
        const key = newKey()
        const gate = createGate()
        origin.answers(key, async (call) => {
          await gate.opened
          return `value ${call}`
        })
        const first = leavingClient(urlOf(isolate, { key, cache, lease: 30 }))
        await origin.called(key)
        const others = times(20, () => ask(isolate, { key, cache, lease: 30, arrives: true }))
        await origin.arrived(key, 20)
        first.leave()
        await noticedLeaving(isolate)
        gate.open()
        expect(await Promise.all(others)).toEqual(times(20, () => ok('value 1')))
        expect(origin.calls(key)).toBe(1)
      })
    }

    it('answers the others at once when a client disconnects during its read', async () => {
      const key = newKey()
      answersAfter(key, 19)
      site.faults.next({ kind: 'hang' })
      const first = leavingClient(urlOf(isolate, { key, cache }))
      await eventually(() => expect(site.faults.requests).toBe(1))
      const others = times(19, () => ask(isolate, { key, cache, arrives: true }))
      await origin.arrived(key, 19)
      first.leave()
      expect(await Promise.all(others)).toEqual(times(19, () => ok('value 1')))
      expect(origin.calls(key)).toBe(1)
    })

    it('does not wait for a disconnected request that was waiting for another isolate', async () => {
      const key = newKey()
      const gate = createGate()
      origin.answers(key, async (call) => {
        await gate.opened
        return `value ${call}`
      })
      const lease = HUNG_AFTER_MS / 500
      const computing = ask(another, { key, cache, lease })
      await origin.called(key)
      const leaving = leavingClient(urlOf(isolate, { key, cache, lease, arrives: true }))
      await origin.arrived(key, 1)
      await eventually(() => expect(site.faults.requests).toBeGreaterThan(2))
      const others = times(5, () => ask(isolate, { key, cache, lease, arrives: true }))
      await origin.arrived(key, 6)
      leaving.leave()
      await noticedLeaving(isolate)
      gate.open()
      await computing
      const startedAt = performance.now()
      expect(await Promise.all(others)).toEqual(times(5, () => ok('value 1')))
      expect(performance.now() - startedAt).toBeLessThan(HUNG_AFTER_MS)
    })

    it('sends no more than a dozen requests while it waits out a lease, and then computes itself', async () => {
      const key = newKey()
      const gate = createGate()
      const holding = site.client().getOrSet(key, () => gate.opened.then(() => 'of another'), { lease: '1h' })
      // A request that meets a pending claim reads once more.
      await committedLease(key)
      site.faults.reset()
      expect(await ask(isolate, { key, cache, lease: 3 })).toEqual(ok(key))
      // One to claim, and the polls.
      expect(site.faults.requests).toBeLessThanOrEqual(1 + 12)
      gate.open()
      await holding
    })

    it.each(['reset', 'hang'] as const)(
      'computes for each request if the database fails (%s) with onError miss, and recovers',
      async (kind) => {
        const key = newKey()
        const options = { onError: 'miss', timeout: kind === 'reset' ? 1_000 : 1_001 } as const
        answersAfter(key, 0)
        site.faults.always({ kind })
        const startedAt = performance.now()
        const answers = await Promise.all(times(REQUESTS, () => ask(isolate, { key, cache, options })))
        const elapsedMs = performance.now() - startedAt
        expect(answers.map(({ status }) => status)).toEqual(times(REQUESTS, () => 200))
        expect(elapsedMs).toBeLessThan(HUNG_AFTER_MS)
        site.faults.heal()
        await eventually(async () => {
          const { body } = await ask(isolate, { key, cache, options })
          expect(await ask(another, { key, cache, options })).toEqual(ok(body))
        })
      },
    )

    it('allows a computation to fill other keys', async () => {
      const key = newKey()
      const inner = { key: newKey() }
      const answers = await Promise.all(times(20, () => ask(isolate, { key, cache, inner })))
      expect(answers).toEqual(times(20, () => ok([key, inner.key])))
      expect([origin.calls(key), origin.calls(inner.key)]).toEqual([1, 1])
    })

    it('answers a computation that needs its own key, when its lease has run out at the latest', async () => {
      const key = newKey()
      origin.answers(key, (call) => `value ${call}`)
      const first = await ask(isolate, { key, cache, lease: 1, inner: { key, lease: 1 } })
      expect(first).toEqual(ok(['value 1', 'value 2']))
    })
  })

  describe('with one cache for all requests of an isolate', () => {
    it('wakes the requests that wait for a computation, and each reads once', async () => {
      const key = newKey()
      answersAfter(key, 30)
      const first = ask(isolate, { key })
      await origin.called(key)
      const late = await Promise.all(times(30, () => ask(isolate, { key, arrives: true })))
      expect([await first, ...late]).toEqual(times(31, () => ok('value 1')))
      // The claim, the fill, and a read for each.
      expect(site.faults.requests).toBe(2 + 30)
    })
  })

  it('answers a thousand requests that waited for others, enough for V8 to optimize the waiting code', async () => {
    for (let round = 0; round < 50; round++) {
      const key = newKey()
      answersAfter(key, 20, { afterMs: 0 })
      const first = ask(isolate, { key })
      await origin.called(key)
      const late = times(20, () => ask(isolate, { key, arrives: true }))
      expect(await Promise.all([first, ...late])).toEqual(times(21, () => ok('value 1')))
    }
  })

  it.each([CACHES[1], CACHES[2]])(
    'completes the claim of a client that disconnects, and computes, with %s',
    async (_title, cache) => {
      const line = await startSlowLine(env.ENDPOINT)
      const behind = await startWorker(script, { bindings: { ...env, ENDPOINT: line.endpoint }, compatibilityDate })
      const key = newKey()
      const gate = createGate()
      const claimed = line.holdNext(gate.opened)
      const first = leavingClient(urlOf(behind, { key, cache, lease: 120 }))
      await claimed
      const others = times(5, () => ask(isolate, { key, cache, lease: 120, arrives: true }))
      await origin.arrived(key, 5)
      first.leave()
      await noticedLeaving(behind)
      gate.open()
      expect(await Promise.all(others)).toEqual(times(5, () => ok(key)))
      expect(origin.calls(key)).toBe(1)
    },
    HUNG_AFTER_MS,
  )

  it.each([CACHES[1], CACHES[2]])('serves a stale value during the refresh, with %s', async (_title, cache) => {
    const key = newKey()
    const gate = createGate()
    origin.answers(key, async (call) => {
      if (call > 1) await gate.opened
      return `value ${call}`
    })
    const stale = { key, cache, stale: '1h' } as const
    expect(await ask(isolate, stale)).toEqual(ok('value 1'))
    await advance(site.db, 3_600_000)
    expect(await Promise.all(times(20, () => ask(isolate, stale)))).toEqual(times(20, () => ok('value 1')))
    await origin.called(key, 2)
    gate.open()
    await eventually(async () => expect(await ask(isolate, stale)).toEqual(ok('value 2')))
    expect(origin.calls(key)).toBe(2)
  })
})

it(
  'getOrSet answers a computation that needs its own key at once in workerd with nodejs_compat',
  async () => {
    const script = await bundleForEdge({ entry: `export { default } from './probes/fills.ts'`, folder })
    const worker = await startWorker(script, { bindings: env, compatibilityFlags: ['nodejs_compat'] })
    const key = newKey()
    origin.answers(key, (call) => `value ${call}`)
    const lease = 2 * (HUNG_AFTER_MS / 1_000)
    expect(await ask(worker, { key, lease, inner: { key, lease } })).toEqual(ok(['value 1', 'value 2']))
  },
  HUNG_AFTER_MS,
)

describe('getOrSet on edge-runtime', () => {
  let runtime: EdgeRuntime
  const askThere = (asked: Ask) => answer(runtime.dispatchFetch(urlOf('https://example.com/', asked)))

  beforeAll(async () => {
    const entry = `import worker from './probes/fills.ts'
      addEventListener('fetch', (event) => event.respondWith(worker.fetch(event.request, globalThis.env, event)))`
    const initialCode = await bundleForEdge({ entry, folder, format: 'iife' })
    // Vercel's runtime has AsyncLocalStorage. The package edge-runtime leaves it to its user.
    runtime = new EdgeRuntime({ initialCode, extend: (context) => Object.assign(context, { env, AsyncLocalStorage }) })
  })

  describe.each([CACHES[0], CACHES[2]])('with %s', (_title, cache) => {
    it('computes once for 50 requests that arrive together', async () => {
      const key = newKey()
      answersAfter(key, REQUESTS)
      const answers = await Promise.all(times(REQUESTS, () => askThere({ key, cache, arrives: true })))
      expect(answers).toEqual(times(REQUESTS, () => ok('value 1')))
      expect(origin.calls(key)).toBe(1)
    })

    it('rejects each of 20 requests with an error of its own if all computations throw', async () => {
      const key = newKey()
      origin.answers(key, () => {
        throw new Error('origin failed')
      })
      const answers = await Promise.all(times(20, () => askThere({ key, cache, lease: 2 })))
      expect(answers).toEqual(times(20, () => failed))
    })

    it('computes for each request if the database is unreachable with onError miss', async () => {
      const key = newKey()
      site.faults.always({ kind: 'reset' })
      const options = { onError: 'miss', timeout: 1_000 } as const
      const answers = await Promise.all(times(REQUESTS, () => askThere({ key, cache, options })))
      expect(answers).toEqual(times(REQUESTS, () => ok(key)))
    })

    it(
      'allows a computation to fill other keys, and its own key at the same time',
      async () => {
        const key = newKey()
        const inner = { key: newKey(), inner: { key, lease: 120 }, lease: 120 }
        origin.answers(key, (call) => `value ${call}`)
        const nested = askThere({ key, cache, lease: 120, inner })
        expect(await nested).toEqual(ok(['value 1', [inner.key, 'value 2']]))
      },
      HUNG_AFTER_MS,
    )
  })

  it('wakes the requests that wait for a computation, and they read together', async () => {
    const key = newKey()
    answersAfter(key, 30)
    const first = askThere({ key })
    await origin.called(key)
    const late = await Promise.all(times(30, () => askThere({ key, arrives: true })))
    expect([await first, ...late]).toEqual(times(31, () => ok('value 1')))
    expect(site.faults.requests).toBeLessThanOrEqual(2 + 30)
  })
})

/** Waits until a claim is committed, and not only sent. */
async function committedLease(key: string): Promise<void> {
  await eventually(async () => {
    const { rows } = await site.db.execute(sql`select from cache_leases where key = ${key} and token is not null`)
    expect(rows).toHaveLength(1)
  })
}

function newKey(): string {
  keys++
  return `key-${keys}`
}

/** Computes with a delay once this many requests have arrived. The first computations fail. */
function answersAfter(key: string, arrivals: number, { failures = 0, afterMs = COMPUTATION_MS } = {}): void {
  origin.answers(key, async (call) => {
    await origin.arrived(key, arrivals)
    await pause(afterMs)
    if (call <= failures) throw new Error('origin failed')
    return `value ${call}`
  })
}

function urlOf(worker: string, asked: Ask): string {
  return `${worker}?ask=${encodeURIComponent(JSON.stringify(asked))}`
}

function ask(worker: string, asked: Ask): Promise<Answered> {
  return answer(fetch(urlOf(worker, asked)))
}

function ok(body: unknown): Answered {
  return { status: 200, body }
}

const failed: Answered = { status: 409, body: 'Error: Error: origin failed' }

/** Resolves once the worker has noticed that a client left. A client that leaves later is then noticed as well. */
async function noticedLeaving(worker: string): Promise<void> {
  const key = newKey()
  origin.answers(key, () => createGate().opened.then(() => ''))
  const client = leavingClient(urlOf(worker, { key }))
  await origin.called(key)
  client.leave()
  await origin.abandoned(key)
}
