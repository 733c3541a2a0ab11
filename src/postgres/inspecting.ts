/** `count`, `stats`, `list`: what is there, without values. */
import type { Cache, CacheStats, EntryPage, ListOptions } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { keyRange, readableKey } from '../values/key.ts'
import { optionsObject, wholeNumber } from '../values/options.ts'
import type { Context } from './context.ts'
import { count } from './operations/count.ts'
import { list } from './operations/list.ts'
import { forScope } from './operations/scoped.ts'
import { stats } from './operations/stats.ts'

const DEFAULT_PAGE = 100
const MAX_PAGE = 1_000

export function inspecting({ runner, scope }: Context) {
  const range = keyRange(scope)
  return {
    async count(): Promise<number> {
      const [row] = await runner.run(forScope(count, scope), { ...range })
      return row?.count ?? 0
    },
    async stats(): Promise<CacheStats> {
      const [row] = await runner.run(forScope(stats, scope), { ...range })
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
      const rows = await runner.run(list[prefix === '' ? 'all' : 'direct'][state], {
        ...keyRange(scope, prefix),
        after,
        limit: limit + 1,
        scopeLength: [...scope.prefix].length,
      })
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
