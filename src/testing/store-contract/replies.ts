import type { MaybePromise, Reply, Store } from '../../store/store.ts'
import { ROOT } from '../../values/key.ts'
import { randomUUID } from '../../values/random.ts'
import { claimRequest, fillRequest, item, listInput, MINUTE, type StoreSuite, sweepInput, writeInput } from './suite.ts'

type Call = (store: Store) => MaybePromise<Reply<unknown>>

/** Returns one call of each method. It is a function, because Workers forbids random values at module level. */
const callsBy = (token: string): Record<string, Call> => ({
  write: (store) => store.write([item('key')], writeInput()),
  read: (store) => store.read('key'),
  readMany: (store) => store.readMany(['key', 'missing']),
  has: (store) => store.has('key'),
  deadline: (store) => store.deadline('key'),
  add: (store) => store.add(item('key'), writeInput()),
  touch: (store) => store.touch('key', MINUTE),
  count: (store) => store.count('count', { delta: '1', sliding: false, deadline: MINUTE }),
  limit: (store) => store.limit('limit', { periodMs: 60_000, cap: 2 }),
  remove: (store) => store.remove(['missing']),
  take: (store) => store.take('missing'),
  invalidate: (store) => store.invalidate(['tag']),
  snapshot: (store) => store.snapshot(),
  size: (store) => store.size(ROOT),
  stats: (store) => store.stats(ROOT),
  list: (store) => store.list(ROOT, listInput()),
  readOrClaim: (store) => store.readOrClaim(claimRequest({ key: 'claimed', token })),
  fill: (store) => store.fill(fillRequest(token, { key: 'claimed' })),
  release: (store) => store.release('claimed', token),
  sweep: (store) => store.sweep(ROOT, sweepInput()),
  clear: (store) => store.clear(ROOT),
})

export function replies({ describe, test, expect }: StoreSuite): void {
  describe('replies', () => {
    test('have a cost for every method', async (store) => {
      for (const [name, call] of Object.entries(callsBy(randomUUID()))) {
        const { cost } = await call(store)
        const isCost = [cost?.roundTrips, cost?.bytes].every((amount) => Number.isInteger(amount) && amount >= 0)
        expect(`${name}: ${isCost}`).toBe(`${name}: true`)
      }
    })

    test('from a local store are not promises', async (store) => {
      if (store.isLocal !== true) return
      for (const [name, call] of Object.entries(callsBy(randomUUID()))) {
        expect(`${name}: ${'then' in call(store)}`).toBe(`${name}: false`)
      }
    })
  })
}
