/** Counts and listings of the memory store. */
import type { EntryState } from '../../cache.ts'
import type { ListedRow, ListInput } from '../../store/inputs.ts'
import { free } from '../../store/store.ts'
import { byCodePoint, type Scope } from '../../values/key.ts'
import { type MemoryStorage, type Row, storedBytes } from './storage.ts'

/** Matches a key of the scope itself: one without a bare separator. */
const DIRECT = /^(?:\\.|[^|\\])*$/s

export function inspecting(storage: MemoryStorage) {
  const inside = (prefix: string) => [...storage.rows()].filter(({ key }) => key.startsWith(prefix))

  function stateOf(row: Row): 'expired' | 'unexpired' | 'forever' {
    if (!storage.isLive(row, storage.now())) return 'expired'
    return row.expiresAt === Number.POSITIVE_INFINITY ? 'forever' : 'unexpired'
  }

  function listedState(row: Row, at: number): EntryState {
    if (storage.isLive(row, at)) return 'live'
    return row.expiresAt <= at ? 'expired' : 'invalidated'
  }

  function listed({ prefix }: Scope, { range, isDirect, state, limit, after }: ListInput): Row[] {
    const isAsked = (row: Row) => {
      if (isDirect && !DIRECT.test(row.key.slice(prefix.length))) return false
      const own = stateOf(row)
      if (state === 'invalidated') return listedState(row, storage.now()) === state
      return state === 'all' || state === own || (state === 'live' && own !== 'expired')
    }
    return inside(range.from)
      .filter((row) => byCodePoint(row.key, after) > 0 && isAsked(row))
      .sort((a, b) => byCodePoint(a.key, b.key))
      .slice(0, limit + 1)
  }

  return {
    size: ({ prefix }: Scope) => free(inside(prefix).filter((row) => stateOf(row) !== 'expired').length),
    stats({ prefix }: Scope) {
      const stats = { total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0, estimated: false }
      for (const row of inside(prefix)) {
        stats.total++
        stats.bytes += storedBytes(row)
        stats[stateOf(row)]++
      }
      return free(stats)
    },
    list: (scope: Scope, input: ListInput) =>
      free(listed(scope, input).map((row) => listedRow(row, listedState(row, storage.now())))),
  }
}

function listedRow(row: Row, state: EntryState): ListedRow {
  const { key, expiresAt, tags, createdAt, updatedAt } = row
  return {
    key,
    state,
    expiresAt: expiresAt === Number.POSITIVE_INFINITY ? null : new Date(Math.floor(expiresAt)),
    tags: [...(tags ?? [])],
    bytes: storedBytes(row),
    createdAt: new Date(Math.floor(createdAt)),
    updatedAt: new Date(Math.floor(updatedAt)),
  }
}
