/** Behaviour specific to Keyv 5. */
import { type Cache, CacheError } from 'pgstash'
import { keyvStore } from 'pgstash/keyv'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cost, createMigratedStash, emptied } from '../rate-limit/limits.ts'
import { type AnyKeyv, createKeyv5, type Stash, storedKeys } from './keyvs.ts'

let stash: Stash
let cache: Cache
let faults: Faults

beforeAll(async () => {
  stash = await createMigratedStash()
  ;({ cache, faults } = stash)
})

beforeEach(() => emptied(stash))

describe('Keyv 5', () => {
  it('passes a negative time to live on, which counts as expired', async () => {
    const keyv = createKeyv5(cache)
    await keyv.set('k', 'old')
    expect(await keyv.set('k', 1, -5)).toBe(true)
    expect(await keyv.get('k')).toBeUndefined()
  })

  it('returns whether any of many keys was deleted, in one round trip', async () => {
    const keyv = createKeyv5(cache)
    await keyv.set('k', 1)
    faults.reset()
    expect(await keyv.deleteMany(['none', 'k'])).toBe(true)
    expect(cost(faults)).toEqual({ requests: 1, statements: 1 })
    expect(await keyv.deleteMany(['none', 'k'])).toBe(false)
  })

  it('keeps entries apart if keys have no prefix', async () => {
    const [a, b] = ['a', 'b'].map((namespace) => createKeyv5(cache, { namespace, useKeyPrefix: false })) as [
      AnyKeyv,
      AnyKeyv,
    ]
    await a.set('k', 'of a')
    await b.set('k', 'of b')
    expect([await a.get('k'), await b.get('k')]).toEqual(['of a', 'of b'])
  })

  it('rejects a failed read that Keyv does not catch', async () => {
    const keyv = createKeyv5(cache)
    faults.always({ kind: 'error', status: 503 })
    await expect(keyv.getMany(['k'])).rejects.toThrow(CacheError)
    await expect(keyv.has('k')).rejects.toThrow(CacheError)
  })

  describe('with two Keyv instances on one store', () => {
    it('keeps their entries apart', async () => {
      const store = keyvStore(cache)
      const a = createKeyv5(cache, { namespace: 'a', store })
      await a.set('k', 'of a')
      const b = createKeyv5(cache, { namespace: 'b', store })
      await b.set('a:k', 'of b')
      expect([await a.get('k'), await b.get('a:k'), await b.get('k')]).toEqual(['of a', 'of b', undefined])
      expect(await a.getMany(['k', 'none'])).toEqual(['of a', undefined])
    })

    it('finds the namespace of a key that begins with two of them', async () => {
      const store = keyvStore(cache)
      const [, deep] = ['a', 'a:b'].map((namespace) => createKeyv5(cache, { namespace, store })) as AnyKeyv[]
      await deep?.set('k', 1)
      expect(await storedKeys(cache)).toEqual(['a:b|k'])
    })

    it('refuses to clear, because the store cannot know whose entries are meant', async () => {
      const store = keyvStore(cache)
      const [a, b] = ['a', 'b'].map((namespace) =>
        createKeyv5(cache, { namespace, store, throwOnErrors: true }),
      ) as AnyKeyv[]
      await b?.set('k', 'of b')
      await expect(a?.clear()).rejects.toThrow(/^Expected one store per Keyv/)
      expect(await b?.get('k')).toBe('of b')
    })

    it('refuses keys without a prefix', async () => {
      const store = keyvStore(cache)
      const options = { store, useKeyPrefix: false, throwOnErrors: true }
      const [a] = ['a', 'b'].map((namespace) => createKeyv5(cache, { ...options, namespace })) as AnyKeyv[]
      await expect(a?.set('k', 1)).rejects.toThrow(/^Expected one store per Keyv/)
    })

    it('accepts two instances with the same namespace', async () => {
      const store = keyvStore(cache)
      const [one, two] = [createKeyv5(cache, { namespace: 'a', store }), createKeyv5(cache, { namespace: 'a', store })]
      await one.set('k', 1)
      await two.clear()
      expect(await one.get('k')).toBeUndefined()
    })
  })
})
