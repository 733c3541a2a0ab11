/** A first tier in the platform's own cache. It stores rows as JSON texts. */
import { remainingMs } from '../../store/claims.ts'
import { type Item, type Row, toReply, type WriteInput } from '../../store/store.ts'
import { wallClock } from '../../values/clock.ts'
import type { StoredValue } from '../../values/codec.ts'
import type { NearStore } from '../near-store.ts'
import type { NearStorage } from './storages.ts'
import { createTombstones } from './tombstones.ts'

/** The longest life that the platform is asked for. It evicts copies of permanent entries sooner than this. */
const LONGEST_SECONDS = 86_400

/** A row as it is stored. Times are milliseconds since the epoch. */
interface StoredRow extends StoredValue {
  /** When the data of the value counts as read. */
  readonly at: number
  /** When the row expires. Null means never. */
  readonly until: number | null
  readonly tags: readonly string[]
  /** The id of the isolate that wrote it. */
  readonly by: string
}

/**
 * @param storage is called at each use, because Workers forbid the use of `caches` at module level
 * @param isolate returns the id of this isolate
 */
export function platformStore(storage: () => NearStorage, isolate: () => string): NearStore & { position(): string } {
  const tombstones = createTombstones()

  async function read(key: string): Promise<StoredRow | undefined> {
    const text = await storage().read(key)
    const row = text === undefined ? undefined : parseRow(text)
    if (row === undefined || (row.until !== null && row.until <= wallClock())) return undefined
    return tombstones.cover({ ...row, isOwn: row.by === isolate() }) ? undefined : row
  }

  async function write({ key, value, number }: Item, { deadline, tags, asOf }: WriteInput): Promise<void> {
    const now = wallClock()
    const ms = remainingMs(deadline)
    if (ms <= 0) return storage().remove(key)
    const at = asOf !== null && POSITION.test(asOf) ? Number(asOf) : now
    const own = tags ?? []
    const row: StoredRow = { value, number, at, until: Number.isFinite(ms) ? now + ms : null, tags: own, by: isolate() }
    const seconds = Math.min(LONGEST_SECONDS, Math.ceil(ms / 1_000))
    return storage().write(key, JSON.stringify(row), { seconds, tags: own })
  }

  async function readMany(keys: readonly string[]): Promise<ReadonlyMap<string, Row>> {
    const rows = await Promise.all(keys.map(async (key) => [key, await read(key)] as const))
    return new Map(rows.flatMap(([key, row]) => (row === undefined ? [] : [[key, rowOf(row)]])))
  }

  return {
    position: () => String(wallClock()),
    async read(key) {
      const row = await read(key)
      return toReply(row && rowOf(row))
    },
    readMany: async (keys) => toReply(await readMany(keys)),
    has: async (key) => toReply((await read(key)) !== undefined),
    async write(items, input) {
      await Promise.all(items.map((item) => write(item, input)))
      return toReply(items.length)
    },
    async remove(keys) {
      await Promise.all(keys.map((key) => storage().remove(key)))
      return toReply(keys.length)
    },
    // The platform cannot list keys, so clear all scopes.
    async clear() {
      tombstones.clear(wallClock())
      return toReply(0)
    },
    sweep: async () => toReply({ removed: 0, more: false }),
    async invalidate(tags) {
      tombstones.invalidate(tags, wallClock())
      await storage().expireTags?.(tags)
      return toReply(undefined)
    },
  }
}

/** A position is milliseconds since the epoch. The snapshot of another store has another form. */
const POSITION = /^\d+$/

function rowOf({ value, number, until, tags }: StoredRow): Row {
  const remaining = until === null ? Number.POSITIVE_INFINITY : until - wallClock()
  return { value, number, remainingMs: remaining, tags: tags.length === 0 ? null : tags }
}

/** Parses a row. Returns undefined if the text is not a row of this store. */
function parseRow(text: string): StoredRow | undefined {
  try {
    const row = JSON.parse(text) as Partial<StoredRow>
    const isRow = typeof row?.at === 'number' && typeof row.by === 'string' && Array.isArray(row.tags)
    return isRow ? (row as StoredRow) : undefined
  } catch {
    return undefined
  }
}
