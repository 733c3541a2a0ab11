/** Reads that a first tier makes copies of. */

import type { Copy } from '../store/copies.ts'
import { slidingLifeMs } from '../store/inputs.ts'
import type { ReadCopies } from '../store/internals.ts'
import { decodeValue, type StoredValue } from '../values/codec.ts'
import type { Cost } from '../values/events.ts'
import { storedKeys } from '../values/key.ts'
import type { Context } from './context.ts'
import { aboutOf } from './filling.ts'
import { observed } from './observed.ts'
import { readCopies, readCopySliding } from './operations/read-copies.ts'
import { inParts } from './reading.ts'
import type { Runner } from './runner.ts'

export interface CopyRow extends StoredValue {
  readonly key: string
  readonly remainingMs: number | null
  readonly tags: string | null
}

export function copyRows(runner: Runner, keys: readonly string[], cost: Cost): Promise<Map<string, CopyRow>> {
  return inParts(keys, (part) => runner.run(readCopies, { keys: part }, cost))
}

export function copying(context: Context): { copies: ReadCopies } {
  const { runner, scope, codec, slack, coalescedCopies } = context

  async function rowsOf(stored: readonly string[], slidingMs: number | undefined, cost: Cost): Promise<CopyRow[]> {
    const [first] = stored
    if (slidingMs !== undefined) {
      const lifeMs = slidingLifeMs(slidingMs, slack)
      return runner.run(readCopySliding, { keys: stored, ttlMs: slidingMs, lifeMs, maxAgeMs: null }, cost)
    }
    if (stored.length > 1 || first === undefined) return [...(await copyRows(runner, stored, cost)).values()]
    const row = await coalescedCopies(first, cost)
    return row === undefined ? [] : [row]
  }

  return {
    async copies(keys, slidingMs) {
      const asked = storedKeys(scope, keys)
      if (asked.size === 0) return new Map()
      async function run(cost: Cost): Promise<ReadonlyMap<string, Copy>> {
        const rows = await rowsOf([...asked.keys()], slidingMs, cost)
        const copies = rows.map(
          async (row) =>
            [asked.get(row.key) ?? '', { value: await decodeValue(row, row.key, codec), ...aboutOf(row) }] as const,
        )
        return new Map(await Promise.all(copies))
      }
      return observed<ReadonlyMap<string, Copy>>(context, {
        operation: keys.length === 1 ? 'get' : 'getMany',
        ...(keys.length === 1 ? { key: keys[0] } : {}),
        run,
        outcome: ({ size }) => [
          ...(size > 0 ? [{ type: 'hit' as const, count: size }] : []),
          ...(size < asked.size ? [{ type: 'miss' as const, count: asked.size - size }] : []),
        ],
        whenAway: { value: new Map() },
      })
    },
  }
}
