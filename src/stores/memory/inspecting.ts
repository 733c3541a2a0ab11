/** `count`, `stats`, `list`: what is there, without values. */
import type { Cache, CacheStats, EntryPage, EntryState, ListOptions } from '../../cache.ts'
import type { Internals } from '../../store/internals.ts'
import { type Row as ListedRow, type ListInput, pageOf, parseList, rowsWithin } from '../../store/listing.ts'
import { byCodePoint } from '../../values/key.ts'
import { type Context, nothing, observed } from './context.ts'
import { dateOf } from './reading.ts'
import { type Row, storedBytes } from './storage.ts'

/** Without a bare separator: a key of the scope itself. */
const DIRECT = /^(?:\\.|[^|\\])*$/s

export function inspecting(context: Context) {
  const { storage, scope } = context
  const inside = (prefix: string) => [...storage.rows()].filter(({ key }) => key.startsWith(prefix))

  function statistics(): CacheStats {
    const stats = { total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0, estimated: false }
    for (const row of inside(scope.prefix)) {
      stats.total++
      stats.bytes += storedBytes(row)
      stats[stateOf(row)]++
    }
    return stats
  }

  function stateOf(row: Row): 'expired' | 'unexpired' | 'forever' {
    if (!storage.isLive(row, storage.now())) return 'expired'
    return row.expiresAt === Number.POSITIVE_INFINITY ? 'forever' : 'unexpired'
  }

  function rowsOf({ range, isDirect, state, limit, after }: ListInput): Row[] {
    const isAsked = (row: Row) => {
      if (isDirect && !DIRECT.test(row.key.slice(scope.prefix.length))) return false
      const own = stateOf(row)
      return state === 'all' || state === own || (state === 'live' && own !== 'expired')
    }
    return inside(range.from)
      .filter((row) => byCodePoint(row.key, after) > 0 && isAsked(row))
      .sort((a, b) => byCodePoint(a.key, b.key))
      .slice(0, limit + 1)
  }

  function listedState(row: Row, at: number): EntryState {
    if (storage.isLive(row, at)) return 'live'
    return row.expiresAt <= at ? 'expired' : 'invalidated'
  }

  async function listed(input: ListInput): Promise<ListedRow[]> {
    const rows = await observed(context, 'list', undefined, () => rowsOf(input), nothing)
    return rows.map((row) => ({
      key: row.key,
      state: listedState(row, storage.now()),
      expiresAt: dateOf(row.expiresAt),
      tags: [...(row.tags ?? [])],
      bytes: storedBytes(row),
      createdAt: new Date(Math.floor(row.createdAt)),
      updatedAt: new Date(Math.floor(row.updatedAt)),
    }))
  }

  return {
    count: async (): Promise<number> =>
      observed(
        context,
        'count',
        undefined,
        () => inside(scope.prefix).filter((row) => stateOf(row) !== 'expired').length,
        nothing,
      ),
    stats: async (): Promise<CacheStats> => observed(context, 'stats', undefined, statistics, nothing),
    rows: rowsWithin(scope, listed),
    async list(options?: ListOptions): Promise<EntryPage> {
      const input = parseList(scope, options)
      return pageOf(scope, await listed(input), input.limit)
    },
  } satisfies Partial<Cache> & Pick<Internals, 'rows'>
}
