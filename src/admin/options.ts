/** The options of `cacheAdmin`, checked once. */
import type { Context } from 'hono'
import type { Cache } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { contextOf } from './area.ts'
import type { Authorize } from './authorize/authorize.ts'

export interface CacheAdminOptions {
  /** What to show: a cache of `createCache`, its namespace and those nested in it; or a function that gives it for a request. */
  cache: Cache | ((c: Context) => Cache)
  /** Who may see the pages: `basic`, `cloudflareAccess`, `bearer`, or a function of your own. Runs before everything else. */
  authorize: Authorize
  /** Whether nothing can be changed, for everybody or for whom a function says so; default false. */
  readOnly?: boolean | ((c: Context) => boolean | Promise<boolean>) | undefined
  /** Stands on top of each page; default `Cache`. */
  title?: string | undefined
  /** Only the history that `historyListener` recorded under this name; default: all names together. */
  history?: string | undefined
}

const KNOWN_OPTIONS = ['cache', 'authorize', 'readOnly', 'title', 'history'] as const

/** The options as the pages go by them. */
export interface Plan {
  readonly cacheOf: (c: Context) => Cache
  readonly authorize: Authorize
  readonly isReadOnly: (c: Context) => boolean | Promise<boolean>
  readonly title: string
  readonly history: string | undefined
}

/** @throws InvalidOptionError */
export function parsePlan(options: CacheAdminOptions): Plan {
  const given = optionsObject<CacheAdminOptions>(options, KNOWN_OPTIONS)
  const { cache, authorize, readOnly = false, title = 'Cache', history } = given
  if (typeof authorize !== 'function') {
    throw new InvalidOptionError(
      `Expected authorize to be a function that says who may see the pages, got ${describeType(authorize)}.`,
    )
  }
  if (typeof readOnly !== 'function' && typeof readOnly !== 'boolean') {
    throw new InvalidOptionError(`Expected readOnly to be a boolean or a function, got ${describeType(readOnly)}.`)
  }
  if (typeof cache !== 'function') contextOf(cache)
  return {
    cacheOf: typeof cache === 'function' ? cache : () => cache as Cache,
    authorize,
    isReadOnly: typeof readOnly === 'function' ? readOnly : () => readOnly,
    title: checkedText('title', title),
    history: history === undefined ? undefined : checkedText('history', history),
  }
}

function checkedText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new InvalidOptionError(`Expected ${name} to be a string that is not empty, got ${describeType(value)}.`)
}
