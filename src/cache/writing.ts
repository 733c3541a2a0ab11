/** `set`, `setMany`, `add`, `touch`: methods that store values and move deadlines. */
import type { Cache, WriteOptions } from '../cache.ts'
import type { Item, WriteInput } from '../store/store.ts'
import { encodeValue } from '../values/codec.ts'
import { byCodePoint, storedKey } from '../values/key.ts'
import { ignoreRejection } from '../values/promises.ts'
import type { OperationEngine } from './engine.ts'
import { parsePairs, parseWrite } from './inputs.ts'
import { outcome, perform } from './perform.ts'
import { deadlineOf } from './settings.ts'

export function writing(engine: OperationEngine) {
  const { store, scope } = engine

  /**
   * Parses the options. Call it before encoding the value: the data of the value counts as read at the time of the
   * call, and encoding takes time.
   */
  function inputOf(options: WriteOptions | undefined): WriteInput {
    const input = parseWrite(engine, options)
    // Only tagged entries need a position.
    if (input.tags === null || input.asOf !== null) return input
    return { ...input, asOf: store.position?.() ?? null }
  }

  async function itemOf(key: string, value: unknown): Promise<Item> {
    const { value: text, number } = await encodeValue(value, key, engine)
    return { key, value: text, number }
  }

  /** Like `set`, but returns the stored form. */
  async function setStored(key: string, value: unknown, options?: WriteOptions): Promise<Item> {
    // An invalid key or option ends the call before anybody awaits a promise that was passed as the value.
    ignoreRejection(value)
    const stored = storedKey(scope, key)
    const input = inputOf(options)
    const item = await itemOf(stored, value)
    await perform<number>(engine, {
      name: 'set',
      key,
      stored,
      run: () => store.write([item], input),
      report: () => outcome('write'),
      changes: [stored],
    })
    return item
  }

  async function setMany(entries: unknown, options?: WriteOptions): Promise<void> {
    const pairs = parsePairs(entries)
    for (const [, value] of pairs) ignoreRejection(value)
    // The map keeps the last value of a duplicate key. Postgres refuses the same key twice in one upsert.
    const given = new Map(pairs.map(([key, value]) => [storedKey(scope, key), value]))
    const input = inputOf(options)
    const items = await Promise.all(Array.from(given, ([key, value]) => itemOf(key, value)))
    if (items.length === 0) return
    // Sort before a store splits the items. In a transaction of the caller, the locks of all parts add up, and locks
    // taken in one order cannot deadlock.
    items.sort((a, b) => byCodePoint(a.key, b.key))
    await perform<number>(engine, {
      name: 'setMany',
      run: () => store.write(items, input),
      report: () => outcome('write', items.length),
      changes: items.map(({ key }) => key),
    })
  }

  return {
    setStored,
    async set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
      await setStored(key, value, options)
    },
    setMany: setMany as Cache['setMany'],
    async add(key: string, value: unknown, options?: WriteOptions): Promise<boolean> {
      ignoreRejection(value)
      const stored = storedKey(scope, key)
      const input = inputOf(options)
      const item = await itemOf(stored, value)
      return perform<boolean>(engine, {
        name: 'add',
        key,
        stored,
        run: () => store.add(item, input),
        report: (isAdded) => outcome('write', Number(isAdded)),
        changes: [stored],
      })
    },
    async touch(key: string, expiration?: unknown): Promise<boolean> {
      const stored = storedKey(scope, key)
      const deadline = deadlineOf(engine, expiration)
      return perform<boolean>(engine, {
        name: 'touch',
        key,
        stored,
        run: () => store.touch(stored, deadline),
        report: (isTouched) => outcome('touch', Number(isTouched)),
        changes: [stored],
      })
    },
  }
}
