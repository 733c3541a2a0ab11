/** The documented driver for bentocache, with the behaviours that bentocache's own suite of drivers checks. */
import type { Cache } from 'pgstash'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pgstashDriver } from '../../docs/snippets/keyv/bentocache.ts'
import { createMigratedStash, emptied } from '../rate-limit/limits.ts'
import { advance } from '../setup/postgres-store.ts'

type Stash = Awaited<ReturnType<typeof createMigratedStash>>

let stash: Stash
let cache: Cache
let faults: Faults

beforeAll(async () => {
  stash = await createMigratedStash()
  ;({ cache, faults } = stash)
})

beforeEach(() => emptied(stash))

const createDriver = () => pgstashDriver(cache).factory()

describe('the driver for bentocache', () => {
  it('is a second tier, and sends nothing while it is created', () => {
    faults.reset()
    expect(createDriver().type).toBe('l2')
    expect(faults.requests).toBe(0)
  })

  it('gets, replaces and deletes a value', async () => {
    const driver = createDriver()
    expect(await driver.get('k')).toBeUndefined()
    expect(await driver.set('k', '{"value":1}')).toBe(true)
    expect(await driver.get('k')).toBe('{"value":1}')
    expect(await driver.set('k', '{"value":2}')).toBe(true)
    expect(await driver.get('k')).toBe('{"value":2}')
    expect([await driver.delete('k'), await driver.delete('k')]).toEqual([true, false])
    expect(await driver.get('k')).toBeUndefined()
  })

  it('pulls a value once', async () => {
    const driver = createDriver()
    await driver.set('k', 'v')
    const pulled = await Promise.all([driver.pull('k'), driver.pull('k')])
    expect(pulled.filter((value) => value !== undefined)).toEqual(['v'])
    expect(await driver.pull('k')).toBeUndefined()
  })

  it('expires entries after milliseconds, and never without a time to live', async () => {
    const driver = createDriver()
    await driver.set('short', 'v', 60_000)
    await driver.set('ever', 'v')
    await advance(stash.db, 61_000)
    expect([await driver.get('short'), await driver.get('ever')]).toEqual([undefined, 'v'])
  })

  it('deletes many keys, or none', async () => {
    const driver = createDriver()
    await driver.set('a', '1')
    await driver.set('b', '2')
    expect(await driver.deleteMany(['a', 'none', 'b'])).toBe(true)
    expect([await driver.get('a'), await driver.get('b')]).toEqual([undefined, undefined])
    expect(await driver.deleteMany([])).toBe(true)
  })

  it('clears its own namespace and in nested ones, and nothing else', async () => {
    const driver = createDriver()
    const [users, usersTwo] = [driver.namespace('users'), driver.namespace('users2')]
    const admins = users.namespace('admins')
    for (const each of [driver, users, usersTwo, admins]) await each.set('k', 'v')
    await cache.set('k', 'of the program')
    expect(await users.clear()).toBeUndefined()
    expect([await users.get('k'), await admins.get('k')]).toEqual([undefined, undefined])
    expect([await driver.get('k'), await usersTwo.get('k')]).toEqual(['v', 'v'])
    await driver.clear()
    expect(await usersTwo.get('k')).toBeUndefined()
    expect(await cache.get('k')).toBe('of the program')
  })

  it('returns exactly the text that was set', async () => {
    const driver = createDriver()
    for (const text of ['', '5', 'null', '"quoted"', 'ü\u0000', '{"a":"b"}']) {
      await driver.set('k', text)
      expect(await driver.get('k')).toBe(text)
    }
    expect(await driver.disconnect()).toBeUndefined()
  })
})
