/** Reads the kinds, tags and lifetimes of the incremental cache's values. */
import type { CacheControl, Lifetime } from './incremental-entry.ts'
import { splitTags } from './names.ts'

/** The context that Next passes to `get`, with only the fields that are used here. */
export interface GetContext {
  readonly kind?: string | undefined
  readonly isFallback?: boolean | undefined
  readonly isRoutePPREnabled?: boolean | undefined
  readonly tags?: readonly string[] | undefined
  readonly softTags?: readonly string[] | undefined
  readonly revalidate?: number | false | undefined
}

/** The context that Next passes to `set`, with only the fields that are used here. */
export interface SetContext {
  readonly kind?: string | undefined
  readonly fetchCache?: boolean | undefined
  readonly tags?: readonly string[] | undefined
  readonly cacheControl?: CacheControl | undefined
  /** True for a `fetch` without options during `next build`. Next caches it only for the workers of this build. */
  readonly isImplicitBuildTimeCache?: boolean | undefined
  /** Only before Next 15.2. */
  readonly revalidate?: number | false | undefined
}

const TAGS_HEADER = 'x-next-cache-tags'
const IMPLICIT_TAG = '_N_T_'
/** Next 15.5 and 16 name a page `/route-cache/KIND/<sha256>/$/path`. */
const PATH_MARK = '/$'
const MS_PER_SECOND = 1_000

export function kindOf(context: GetContext & SetContext, value?: unknown): 'fetch' | 'image' | 'page' {
  const { kind } = Object(value)
  if (context.fetchCache || context.kind === 'FETCH' || kind === 'FETCH') return 'fetch'
  return context.kind === 'IMAGE' || kind === 'IMAGE' ? 'image' : 'page'
}

/** Returns the tags of a value. Pages and route handlers have them in a header, `fetch` has them in the context. */
export function tagsOf(key: string, value: unknown, { tags = [] }: SetContext): string[] {
  const { kind, headers, tags: own } = Object(value)
  const given = [...tags, ...(Array.isArray(own) ? own : []), ...splitTags(Object(headers)[TAGS_HEADER])]
  if (kind === 'PAGES' || (kind === undefined && given.length === 0)) given.push(...pathTags(key))
  return [...new Set(given)]
}

/** Returns the implicit tags of a page that has no explicit tags, so that `revalidatePath` finds it. */
function pathTags(key: string): string[] {
  const mark = key.indexOf(`${PATH_MARK}/`)
  const path = mark === -1 ? key : key.slice(mark + PATH_MARK.length)
  if (!path.startsWith('/')) return []
  const paths = path === '/' || path === '/index' ? ['/', '/index'] : [path]
  return paths.map((each) => IMPLICIT_TAG + each)
}

export function hasAny(wanted: ReadonlySet<string>, tags: readonly string[]): boolean {
  return wanted.size > 0 && tags.some((tag) => wanted.has(tag))
}

/** Returns the milliseconds until Next no longer serves the value, even as stale. */
export function keepMsOf({ expire }: Lifetime): number {
  return expire === undefined ? Number.POSITIVE_INFINITY : Math.max(0, expire) * MS_PER_SECOND
}
