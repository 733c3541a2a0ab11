/** Reads of which a first tier keeps copies. */
import type { Copy } from '../store/copies.ts'
import type { Row } from '../store/store.ts'
import { storedKeys } from '../values/key.ts'
import { decodeRow } from './decoding.ts'
import type { ScopedEngine } from './engine.ts'
import { slidingLifeMs } from './inputs.ts'
import type { CopyOptions, ReadCopies } from './internals.ts'
import { perform } from './perform.ts'
import { hitsAndMisses } from './reading.ts'

export function copying(engine: ScopedEngine): { copies: ReadCopies } {
  const { store, scope, codec, slack } = engine

  async function rowsOf(keys: readonly string[], { slidingMs, news }: CopyOptions) {
    const [first = ''] = keys
    if (slidingMs === undefined) return store.readMany(keys, { about: true, news })
    const sliding = { ttlMs: slidingMs, lifeMs: slidingLifeMs(slidingMs, slack), maxAgeMs: null }
    const { value: row, cost } = await store.read(first, { sliding, about: true, news })
    return { value: new Map(row === undefined ? [] : [[first, row]]), cost }
  }

  const copyOf = (row: Row, stored: string): Copy => ({
    value: () => decodeRow(row, stored, codec),
    remainingMs: row.remainingMs ?? Number.POSITIVE_INFINITY,
    tags: row.tags ?? null,
  })

  return {
    async copies(keys, options = {}) {
      const asked = storedKeys(scope, keys)
      if (asked.size === 0) return new Map()
      return perform<ReadonlyMap<string, Copy>>(engine, {
        name: keys.length === 1 ? 'get' : 'getMany',
        key: keys.length === 1 ? keys[0] : undefined,
        async run() {
          const { value: rows, cost } = await rowsOf([...asked.keys()], options)
          return { value: new Map(Array.from(rows, ([key, row]) => [asked.get(key) ?? '', copyOf(row, key)])), cost }
        },
        report: ({ size }) => hitsAndMisses(size, asked.size),
        fallback: { value: new Map() },
      })
    },
  }
}
