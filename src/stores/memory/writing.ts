/** `set`, `setMany`, `add`, `touch`: what stores values and moves deadlines. */
import type { Cache, WriteOptions } from '../../cache.ts'
import { parsePairs, parseWrite, type WriteInput } from '../../store/inputs.ts'
import type { PrepareMany } from '../../store/internals.ts'
import { deadlineOf } from '../../store/settings.ts'
import { encodeValue, type StoredValue } from '../../values/codec.ts'
import { storedKey } from '../../values/key.ts'
import { type Context, observed, told } from './context.ts'
import { instantOf, moveDeadline } from './storage.ts'

export function writing(context: Context) {
  const { storage, scope, filler } = context

  /** Whatever was there; a computation that is under way for the key will not be stored. */
  function write(key: string, stored: StoredValue, { deadline, tags, asOf }: WriteInput, position: number): void {
    const at = storage.now()
    const expiresAt = instantOf(deadline, at)
    storage.leases.delete(key)
    storage.put({
      key,
      ...stored,
      tags,
      filledAt: asOf === null ? position : storage.tagLog.positionOf(asOf),
      expiresAt,
      keptUntil: expiresAt,
      computeMs: null,
      createdAt: at,
      updatedAt: at,
    })
    filler.detach([key])
  }

  /** `set` that returns what it stored. */
  async function setStored(key: string, value: unknown, options?: WriteOptions): Promise<StoredValue> {
    const stored = storedKey(scope, key)
    const input = parseWrite(context, options)
    // What the value was made of counts as read at the call, and encoding takes time.
    const position = storage.tagLog.position()
    const encoded = await encodeValue(value, stored, context)
    await observed(
      context,
      'set',
      key,
      () => write(stored, encoded, input, position),
      () => told('write'),
    )
    return encoded
  }

  const prepareMany: PrepareMany = async (entries, options) => {
    const given = new Map(parsePairs(entries).map(([key, value]) => [storedKey(scope, key), value]))
    const input = parseWrite(context, options)
    const position = storage.tagLog.position()
    const items = await Promise.all(
      [...given].map(async ([key, value]) => [key, await encodeValue(value, key, context)] as const),
    )
    return async () => {
      if (items.length === 0) return
      const run = () => {
        for (const [key, encoded] of items) write(key, encoded, input, position)
      }
      await observed(context, 'setMany', undefined, run, () => told('write', items.length))
    }
  }

  return {
    setStored,
    async set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
      await setStored(key, value, options)
    },
    prepareMany,
    setMany: (async (entries, options) => {
      await (await prepareMany(entries, options))()
    }) as Cache['setMany'],
    async add(key: string, value: unknown, options?: WriteOptions): Promise<boolean> {
      const stored = storedKey(scope, key)
      const input = parseWrite(context, options)
      const position = storage.tagLog.position()
      const encoded = await encodeValue(value, stored, context)
      const run = () => {
        const row = storage.peek(stored)
        if (row !== undefined && storage.isLive(row, storage.now())) return false
        write(stored, encoded, input, position)
        return true
      }
      return observed(context, 'add', key, run, (isAdded) => told('write', Number(isAdded)))
    },
    async touch(key: string, expiration?: unknown): Promise<boolean> {
      const stored = storedKey(scope, key)
      const deadline = deadlineOf(context, expiration)
      const run = () => {
        const at = storage.now()
        const row = storage.read(stored)
        if (row === undefined || !storage.isLive(row, at)) return false
        moveDeadline(row, instantOf(deadline, at), at)
        // Into the past it makes the entry absent, and so counts as a write.
        if (row.expiresAt <= at) storage.leases.delete(stored)
        filler.detach([stored])
        return true
      }
      return observed(context, 'touch', key, run, (isTouched) => told('touch', Number(isTouched)))
    },
  }
}
