/** A function that returns `undefined`: nothing is stored, and the waiting callers share that result. */
import {
  type Cache,
  type CacheEvent,
  cached,
  createFiller,
  memoryCache,
  nullCache,
  tieredCache,
  withMetrics,
} from 'pgstash'
import { beforeAll, describe, expect, it } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'
import { createGate } from '../setup/gate.ts'

const CALLERS = 30
const callers = <T>(call: () => Promise<T>) => Promise.all(Array.from({ length: CALLERS }, call))

let site: Site
beforeAll(async () => {
  site = await createSite()
})
const stores: Record<string, () => Cache> = {
  memory: () => memoryCache(),
  postgres: () => site.client(),
  'a namespace': () => site.client().namespace('users'),
  'two tiers': () => tieredCache({ l1: memoryCache(), l2: site.client() }),
  metrics: () => withMetrics(site.client()),
}

describe.each(Object.entries(stores))('undefined in %s', (name, make) => {
  it('thirty concurrent callers compute once, and the next one computes again', async () => {
    const cache = make()
    let computed = 0
    const find = cached(async () => void computed++, { cache, key: `find in ${name}` })
    expect(await callers(() => find())).toEqual(Array(CALLERS).fill(undefined))
    expect(computed).toBe(1)
    expect(await cache.has(find.key())).toBe(false)
    await find()
    expect(computed).toBe(2)
  })

  it('callers that arrive during the computation share one of their own', async () => {
    const cache = make()
    const [begun, end] = [createGate(), createGate()]
    let computed = 0
    const find = cached(
      async () => {
        computed++
        begun.open()
        await end.opened
      },
      { cache, key: `late in ${name}` },
    )
    const first = find()
    await begun.opened
    const late = callers(() => find())
    end.open()
    expect([await first, ...(await late)]).toEqual(Array(CALLERS + 1).fill(undefined))
    // The first value may be older than a write that had committed before a late caller arrived.
    expect(computed).toBe(2)
  })

  it('a skipped value of getOrSet is not shared', async () => {
    const cache = make()
    let computed = 0
    const values = await callers(() =>
      cache.getOrSet(`skipped in ${name}`, (fill) => {
        fill.skip()
        return { private: ++computed }
      }),
    )
    expect([computed, new Set(values.map((value) => value.private)).size]).toEqual([CALLERS, CALLERS])
  })

  it('a result whose arguments changed since the call is not shared', async () => {
    const cache = make()
    let computed = 0
    const find = cached(
      async (list: number[]) => {
        computed++
        list.push(1)
        return list.length > 5 ? list : undefined
      },
      { cache, key: `changed in ${name}` },
    )
    const changing = async () => {
      const list: number[] = []
      const call = find(list)
      list.push(0)
      return call
    }
    await callers(changing)
    expect(computed).toBe(CALLERS)
  })
})

it('callers compute for themselves if there is no cache, or if the database is unreachable', async () => {
  let computed = 0
  const find = cached(async () => void computed++, { cache: nullCache(), key: 'find' })
  await callers(() => find())
  expect(computed).toBe(CALLERS)
  site.faults.always({ kind: 'error', status: 503 })
  computed = 0
  const soft = cached(async () => void computed++, {
    cache: site.client({ onError: 'miss', warn: false }),
    key: 'soft',
  })
  await callers(() => soft())
  expect(computed).toBe(1)
  site.faults.heal()
})

it('callers that share nothing cause the same events as callers that share a value', async () => {
  const types = async (value: unknown) => {
    const events: CacheEvent[] = []
    const cache = memoryCache({ onEvent: (event) => void events.push(event) })
    const find = cached(async () => value, { cache, key: 'find' })
    await Promise.all([find(), find(), find()])
    return events.map(({ type }) => type).sort()
  }
  const shared = await types('value')
  expect(await types(undefined)).toEqual(shared.map((type) => (type === 'fill' ? 'refuse' : type)).sort())
})

it('a failed computation for undefined arguments is not shared', async () => {
  const filler = createFiller({
    readOrClaim: () => ({ entry: undefined, claimed: true, heldMs: undefined }),
    fill: () => true,
    release() {},
  })
  await expect(filler.getOrSet('key', 'key', () => undefined)).rejects.toMatchObject({ code: 'UNSERIALIZABLE_VALUE' })
})
