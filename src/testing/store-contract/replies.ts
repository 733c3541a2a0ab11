import type { MaybePromise, Reply, Store } from '../../store/store.ts'
import { ROOT } from '../../values/key.ts'
import { randomUUID } from '../../values/random.ts'
import { claiming, filling, item, listing, MINUTE, type StoreSuite, sweeping, writing } from './suite.ts'

type Call = (store: Store) => MaybePromise<Reply<unknown>>

/** One call of each method. A function, because on Workers nothing is random at module level. */
const callsBy = (token: string): Record<string, Call> => ({
  write: (store) => store.write([item('key')], writing()),
  read: (store) => store.read('key'),
  readMany: (store) => store.readMany(['key', 'missing']),
  has: (store) => store.has('key'),
  deadline: (store) => store.deadline('key'),
  add: (store) => store.add(item('key'), writing()),
  touch: (store) => store.touch('key', MINUTE),
  count: (store) => store.count('count', { delta: '1', sliding: false, deadline: MINUTE }),
  limit: (store) => store.limit('limit', { periodMs: 60_000, cap: 2 }),
  remove: (store) => store.remove(['missing']),
  take: (store) => store.take('missing'),
  invalidate: (store) => store.invalidate(['tag']),
  snapshot: (store) => store.snapshot(),
  size: (store) => store.size(ROOT),
  stats: (store) => store.stats(ROOT),
  list: (store) => store.list(ROOT, listing()),
  readOrClaim: (store) => store.readOrClaim(claiming({ key: 'claimed', token })),
  fill: (store) => store.fill(filling(token, { key: 'claimed' })),
  release: (store) => store.release('claimed', token),
  sweep: (store) => store.sweep(ROOT, sweeping()),
  clear: (store) => store.clear(ROOT),
})

export function replies({ describe, test, expect }: StoreSuite): void {
  describe('replies', () => {
    test('include their cost, whatever the method', async (store) => {
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
