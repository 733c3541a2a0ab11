/** Reads that a first tier makes copies of. */

import type { Copy } from '../store/copies.ts'
import { slidingLifeMs } from '../store/inputs.ts'
import type { CopyOptions, ReadCopies } from '../store/internals.ts'
import type { NewsReader } from '../store/news.ts'
import { decodeValue, type StoredValue } from '../values/codec.ts'
import type { Cost } from '../values/events.ts'
import { storedKeys } from '../values/key.ts'
import type { Context } from './context.ts'
import { aboutOf, tellNews } from './filling.ts'
import { observed } from './observed.ts'
import { readCopies, readCopiesWithNews, readCopySliding, readCopySlidingWithNews } from './operations/read-copies.ts'
import { inParts } from './reading.ts'
import { maySlide, readEitherWay } from './sliding.ts'

interface CopyRow extends StoredValue {
  readonly key: string
  readonly remainingMs: number | null
  readonly tags: string[] | null
}

/** A row that only brings news is none. */
function found<Row extends { readonly key: string | null }>({ key, ...row }: Row) {
  return key === null ? [] : [{ key, ...row }]
}

export function copying(context: Context): { copies: ReadCopies } {
  const { runner, scope, codec, slack } = context

  async function rowsOf(keys: readonly string[], { slidingMs, news }: CopyOptions, cost: Cost): Promise<CopyRow[]> {
    if (slidingMs !== undefined) {
      const values = { keys, ttlMs: slidingMs, lifeMs: slidingLifeMs(slidingMs, slack), maxAgeMs: null }
      if (!(await maySlide(runner, { key: keys[0], ...values }, cost))) return plainRows(keys, news, cost)
      return readEitherWay(
        runner,
        () => slidingRows(values, news, cost),
        () => plainRows(keys, news, cost),
      )
    }
    return plainRows(keys, news, cost)
  }

  async function slidingRows(values: Record<string, unknown>, news: NewsReader | undefined, cost: Cost) {
    if (news === undefined) return (await runner.run(readCopySliding, values, cost)).flatMap(found)
    const told = await runner.run(readCopySlidingWithNews, { ...values, since: news.since() }, cost)
    await tellNews(news, told[0]?.news)
    return told.flatMap(found)
  }

  async function plainRows(keys: readonly string[], news: NewsReader | undefined, cost: Cost): Promise<CopyRow[]> {
    const rows = await inParts(keys, async (part) => {
      if (news === undefined) return runner.run(readCopies, { keys: part }, cost)
      const told = await runner.run(readCopiesWithNews, { keys: part, since: news.since() }, cost)
      await tellNews(news, told[0]?.news)
      return told.flatMap(found)
    })
    return [...rows.values()]
  }

  return {
    async copies(keys, options = {}) {
      const asked = storedKeys(scope, keys)
      if (asked.size === 0) return new Map()
      async function run(cost: Cost): Promise<ReadonlyMap<string, Copy>> {
        const rows = await rowsOf([...asked.keys()], options, cost)
        const copyOf = (row: CopyRow): Copy => ({ value: () => decodeValue(row, row.key, codec), ...aboutOf(row) })
        return new Map(rows.map((row) => [asked.get(row.key) ?? '', copyOf(row)]))
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
