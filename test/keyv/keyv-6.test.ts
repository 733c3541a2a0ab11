/** Behaviour specific to Keyv 6. */
import Keyv6, { detectKeyvStorage, KeyvBridgeAdapter } from 'keyv-6'
import type { Cache } from 'pgstash'
import { keyvStore } from 'pgstash/keyv'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { cost, createMigratedStash, emptied } from '../rate-limit/limits.ts'
import { advance } from '../setup/postgres-store.ts'
import { createKeyv5, createKeyv6, deadline, entries, type Stash, storedKeys } from './keyvs.ts'

let stash: Stash
let cache: Cache
let faults: Faults

beforeAll(async () => {
  stash = await createMigratedStash()
  ;({ cache, faults } = stash)
})

beforeEach(() => emptied(stash))

describe('Keyv 6', () => {
  it('finds entries that Keyv 5 stored, with and without a namespace', async () => {
    for (const namespace of [undefined, 'users']) {
      const options = namespace === undefined ? {} : { namespace }
      const old = createKeyv5(cache, options)
      await old.set('k', { a: [1, Buffer.from('bytes')] }, 60_000)
      const keyv = createKeyv6(cache, options)
      expect(await keyv.get('k')).toEqual({ a: [1, Buffer.from('bytes')] })
      expect(await entries(keyv)).toHaveLength(1)
    }
  })

  it('returns a result for each deleted key, in order', async () => {
    const keyv = createKeyv6(cache)
    await keyv.setMany(['a', 'b'].map((key) => ({ key, value: 1 })))
    faults.reset()
    expect(await keyv.deleteMany(['b', 'none', 'a', 'b'])).toEqual([true, false, true, false])
    expect(cost(faults)).toEqual({ requests: 2, statements: 2 })
    expect(await keyv.getMany(['a', 'b'])).toEqual([undefined, undefined])
  })

  it('stores many entries in one round trip, although the clock moves on between them', async () => {
    const keyv = createKeyv6(cache, { namespace: 'a' })
    const start = Date.now()
    let calls = 0
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => start + Math.floor(calls++ / 2))
    faults.reset()
    await keyv.setMany(Array.from({ length: 30 }, (_, i) => ({ key: `k${i}`, value: i, ttl: 60_000 })))
    clock.mockRestore()
    expect(cost(faults)).toEqual({ requests: 1, statements: 1 })
    expect(await keyv.getMany(['k0', 'k29'])).toEqual([0, 29])
  })

  it('treats an instant in the past as expired', async () => {
    const keyv = new Keyv6({ store: keyvStore(cache) })
    await keyv.set('k', 'old')
    expect(await keyv.setRaw('k', { value: 1, expires: Date.now() - 5 })).toBe(true)
    expect(await keyv.get('k')).toBeUndefined()
    expect(await cache.namespace('keyv').has('k')).toBe(false)
  })

  it('leaves expiry to the database alone if checkExpired is off', async () => {
    const keyv = createKeyv6(cache, { namespace: 'a', checkExpired: false })
    await keyv.set('k', 1, 60_000)
    expect([await keyv.has('k'), await keyv.hasMany(['k'])]).toEqual([true, [true]])
    await advance(stash.db, 61_000)
    expect([await keyv.get('k'), await keyv.has('k'), await keyv.hasMany(['k'])]).toEqual([undefined, false, [false]])
  })

  it('uses the store itself, not a bridge', () => {
    const store = keyvStore(cache)
    expect(new Keyv6({ store }).store).toBe(store)
    expect(store.capabilities).toEqual({ ...detectKeyvStorage(store), expires: true })
  })

  it('refuses a second Keyv with another namespace on one store', async () => {
    const store = keyvStore(cache)
    const a = createKeyv6(cache, { namespace: 'a', store })
    expect(() => createKeyv6(cache, { namespace: 'b', store })).toThrow(/^Expected one store per Keyv/)
    await a.set('k', 1)
    expect(await storedKeys(cache)).toEqual(['a|k'])
    expect(() => createKeyv6(cache, { namespace: 'a', store })).not.toThrow()
  })

  it('works over a bridge that another program creates', async () => {
    const keyv = new Keyv6({ store: new KeyvBridgeAdapter(keyvStore(cache) as never), namespace: 'a' })
    await keyv.set('k', 1, 60_000)
    expect(await keyv.get('k')).toBe(1)
    expect(await storedKeys(cache)).toEqual(['a|k'])
    expect(await deadline(cache, 'a', 'k')).toBeInstanceOf(Date)
    expect(await keyv.deleteMany(['k'])).toEqual([true])
  })
})
