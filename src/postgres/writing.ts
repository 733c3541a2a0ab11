/** `set`, `setMany`, `add`, `touch`: what stores values and moves deadlines. */
import type { Cache, WriteOptions } from '../cache.ts'
import { parsePairs, parseWrite } from '../store/inputs.ts'
import type { PrepareMany } from '../store/internals.ts'
import { deadlineOf } from '../store/settings.ts'
import { encodeValue, type StoredValue } from '../values/codec.ts'
import type { Cost } from '../values/events.ts'
import { byCodePoint, storedKey } from '../values/key.ts'
import { type Context, MAX_KEYS } from './context.ts'
import { observed } from './observed.ts'
import { add } from './operations/add.ts'
import { deadlineValues } from './operations/fragments.ts'
import { touch } from './operations/touch.ts'
import { write } from './operations/write.ts'
import { writeMany } from './operations/write-many.ts'

/** Of one statement: escaped twice, as an array and as JSON, it can grow fourfold, and it must end within the timeout. */
const MAX_PART_CHARACTERS = 4 * 1024 * 1024

interface Item extends StoredValue {
  readonly key: string
}

export function writing(context: Context) {
  const { runner, scope } = context

  /** Everything of the options that a statement needs. */
  function writeValues(options: WriteOptions | undefined) {
    const { deadline, ...input } = parseWrite(context, options)
    return { ...deadlineValues(deadline), ...input }
  }

  async function item(key: string, value: unknown): Promise<Item> {
    return { key, ...(await encodeValue(value, key, context)) }
  }

  async function writePart(items: readonly Item[], values: ReturnType<typeof writeValues>, cost: Cost): Promise<void> {
    const [only] = items
    // As a lone parameter a value is escaped once less.
    if (items.length === 1 && only !== undefined) await runner.run(write, { ...only, ...values }, cost)
    else {
      const columns = {
        keys: items.map(({ key }) => key),
        values: items.map(({ value }) => value),
        numbers: items.map(({ number }) => number),
      }
      await runner.run(writeMany, { ...columns, ...values }, cost)
    }
  }

  /** `set` that returns what it stored. */
  async function setStored(key: string, value: unknown, options?: WriteOptions): Promise<StoredValue> {
    const stored = storedKey(scope, key)
    const values = writeValues(options)
    const encoded = await item(stored, value)
    await observed(context, {
      operation: 'set',
      key,
      run: (cost) => writePart([encoded], values, cost),
      outcome: () => ({ type: 'write', count: 1 }),
      whenAway: { value: undefined },
      changes: [stored],
    })
    return encoded
  }

  const prepareMany: PrepareMany = async (entries, options) => {
    // By stored key: of duplicates the last wins, and Postgres refuses the same key twice in one upsert.
    const given = new Map(parsePairs(entries).map(([key, value]) => [storedKey(scope, key), value]))
    const values = writeValues(options)
    const items = await Promise.all([...given].map(([key, value]) => item(key, value)))
    // Before they are cut into parts: in a transaction of the caller's the locks of all parts add up.
    items.sort((a, b) => byCodePoint(a.key, b.key))
    return async () => {
      if (items.length === 0) return
      await observed(context, {
        operation: 'setMany',
        async run(cost) {
          for (const part of parts(items)) await writePart(part, values, cost)
        },
        outcome: () => ({ type: 'write', count: items.length }),
        whenAway: { value: undefined },
        changes: items.map(({ key }) => key),
      })
    }
  }

  const setMany: Cache['setMany'] = async (entries, options) => (await prepareMany(entries, options))()

  return {
    setStored,
    async set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
      await setStored(key, value, options)
    },
    prepareMany,
    setMany,
    async add(key: string, value: unknown, options?: WriteOptions): Promise<boolean> {
      const stored = storedKey(scope, key)
      const values = writeValues(options)
      const encoded = await item(stored, value)
      const added = await observed(context, {
        operation: 'add',
        key,
        run: async (cost) => (await runner.run(add, { ...encoded, ...values }, cost)).length,
        outcome: (count) => ({ type: 'write', count }),
        changes: [stored],
      })
      return added > 0
    },
    async touch(key: string, expiration?: unknown): Promise<boolean> {
      const stored = storedKey(scope, key)
      const values = { key: stored, ...deadlineValues(deadlineOf(context, expiration)) }
      const touched = await observed(context, {
        operation: 'touch',
        key,
        run: async (cost) => (await runner.run(touch, values, cost)).length,
        outcome: (count) => ({ type: 'touch', count }),
        whenAway: { value: 0 },
        changes: [stored],
      })
      return touched > 0
    },
  }
}

/** Splits by size only. */
function* parts(items: readonly Item[]): Generator<Item[]> {
  let part: Item[] = []
  let characters = 0
  for (const item of items) {
    const size = item.key.length + (item.value?.length ?? 0)
    if (part.length > 0 && (characters + size > MAX_PART_CHARACTERS || part.length === MAX_KEYS)) {
      yield part
      part = []
      characters = 0
    }
    part.push(item)
    characters += size
  }
  yield part
}
