/** `count`, `stats`, `list`: what is there, without values. */
import type { Cache, CacheStats, EntryPage, ListOptions } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import type { Cost } from '../values/events.ts'
import { keyRange, readableKey } from '../values/key.ts'
import { optionsObject, wholeNumber } from '../values/options.ts'
import type { Context } from './context.ts'
import { observed } from './observed.ts'
import { count } from './operations/count.ts'
import { list } from './operations/list.ts'
import { forScope } from './operations/scoped.ts'
import { stats } from './operations/stats.ts'

const DEFAULT_PAGE = 100
const MAX_PAGE = 1_000

export function inspecting(context: Context) {
  const { runner, scope } = context
  const range = keyRange(scope)
  // There is nothing to tell of them but failures.
  const outcome = () => []
  return {
    async count(): Promise<number> {
      const run = (cost: Cost) => runner.run(forScope(count, scope), { ...range }, cost)
      const [row] = await observed(context, { operation: 'count', run, outcome })
      return row?.count ?? 0
    },
    async stats(): Promise<CacheStats> {
      const run = (cost: Cost) => runner.run(forScope(stats, scope), { ...range }, cost)
      const [row] = await observed(context, { operation: 'stats', run, outcome })
      return { total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0, ...row, estimated: false }
    },
    async list(options?: ListOptions): Promise<EntryPage> {
      const {
        prefix = '',
        state = 'all',
        limit = DEFAULT_PAGE,
        cursor,
      } = optionsObject<ListOptions>(options, ['prefix', 'state', 'limit', 'cursor'])
      if (!Object.hasOwn(list.all, state)) {
        throw new InvalidOptionError(`Expected state to be 'live', 'expired' or 'forever', got ${describeType(state)}.`)
      }
      wholeNumber('limit', limit, 1, MAX_PAGE)
      const after = cursor === undefined ? '' : cursorKey(cursor)
      // One more than asked tells whether there is a next page.
      const asked = { ...keyRange(scope, prefix), after, limit: limit + 1, scopeLength: [...scope.prefix].length }
      const run = (cost: Cost) => runner.run(list[prefix === '' ? 'all' : 'direct'][state], asked, cost)
      const rows = await observed(context, { operation: 'list', run, outcome })
      const shown = rows.slice(0, limit)
      const last = shown.at(-1)
      return {
        entries: shown.map((row) => ({
          ...readableKey(scope, row.key),
          expiresAt: row.expiresAt === null ? null : new Date(row.expiresAt),
          tags: row.tags === null ? [] : (JSON.parse(row.tags) as string[]),
          bytes: row.bytes,
          createdAt: new Date(Number(row.createdAt)),
          updatedAt: new Date(Number(row.updatedAt)),
        })),
        ...(rows.length > limit && last !== undefined ? { cursor: keyCursor(last.key) } : {}),
      }
    },
  } satisfies Partial<Cache>
}

/** Opaque and safe in a URL; the stored key, so that a page ends where it ended whatever was written meanwhile. */
function keyCursor(key: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(key))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function cursorKey(cursor: unknown): string {
  try {
    if (typeof cursor !== 'string' || cursor === '') throw new TypeError()
    const binary = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    const key = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    if (key.includes('\0')) throw new TypeError()
    return key
  } catch {
    throw new InvalidOptionError(`Expected cursor to be what list() answered, got ${describeType(cursor)}.`)
  }
}
