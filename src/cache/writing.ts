/** `set`, `setMany`, `add`, `touch`: methods that store values and move deadlines. */
import type { Cache, WriteOptions } from '../cache.ts'
import type { Item, WriteInput } from '../store/store.ts'
import { encodeValue } from '../values/codec.ts'
import { byCodePoint, storedKey } from '../values/key.ts'
import type { ScopedEngine } from './engine.ts'
import { parsePairs, parseWrite } from './inputs.ts'
import type { PrepareMany } from './internals.ts'
import { perform, told } from './perform.ts'
import { deadlineOf } from './settings.ts'

export function writing(engine: ScopedEngine) {
  const { store, scope } = engine

  /** Parsed before the value is encoded: its data counts as read at the call, and encoding takes time. */
  function inputOf(options: WriteOptions | undefined): WriteInput {
    const input = parseWrite(engine, options)
    // Only tags are judged by it.
    if (input.tags === null || input.asOf !== null) return input
    return { ...input, asOf: store.position?.() ?? null }
  }

  async function itemOf(key: string, value: unknown): Promise<Item> {
    const { value: text, number } = await encodeValue(value, key, engine)
    return { key, value: text, number }
  }

  /** Like `set`, but returns the stored form. */
  async function setStored(key: string, value: unknown, options?: WriteOptions): Promise<Item> {
    const stored = storedKey(scope, key)
    const input = inputOf(options)
    const item = await itemOf(stored, value)
    await perform<void>(engine, {
      name: 'set',
      key,
      run: () => store.write([item], input),
      report: () => told('write'),
      fallback: { value: undefined },
      changes: [stored],
    })
    return item
  }

  const prepareMany: PrepareMany = async (entries, options) => {
    // By stored key: of duplicates the last wins, and Postgres refuses the same key twice in one upsert.
    const given = new Map(parsePairs(entries).map(([key, value]) => [storedKey(scope, key), value]))
    const input = inputOf(options)
    const items = await Promise.all(Array.from(given, ([key, value]) => itemOf(key, value)))
    // Sorted before a store splits them: in a transaction of the caller the locks of all parts add up.
    items.sort((a, b) => byCodePoint(a.key, b.key))
    return async () => {
      if (items.length === 0) return
      await perform<void>(engine, {
        name: 'setMany',
        run: () => store.write(items, input),
        report: () => told('write', items.length),
        fallback: { value: undefined },
        changes: items.map(({ key }) => key),
      })
    }
  }

  return {
    setStored,
    async set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
      await setStored(key, value, options)
    },
    prepareMany,
    setMany: (async (entries, options) => (await prepareMany(entries, options))()) as Cache['setMany'],
    async add(key: string, value: unknown, options?: WriteOptions): Promise<boolean> {
      const stored = storedKey(scope, key)
      const input = inputOf(options)
      const item = await itemOf(stored, value)
      return perform<boolean>(engine, {
        name: 'add',
        key,
        run: () => store.add(item, input),
        report: (isAdded) => told('write', Number(isAdded)),
        changes: [stored],
      })
    },
    async touch(key: string, expiration?: unknown): Promise<boolean> {
      const stored = storedKey(scope, key)
      const deadline = deadlineOf(engine, expiration)
      return perform<boolean>(engine, {
        name: 'touch',
        key,
        run: () => store.touch(stored, deadline),
        report: (isTouched) => told('touch', Number(isTouched)),
        fallback: { value: false },
        changes: [stored],
      })
    },
  }
}
