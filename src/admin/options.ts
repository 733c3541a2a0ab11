/** Checks the options of `cacheAdmin` once. */
import type { Context } from 'hono'
import type { Cache } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { requireEngine } from './area.ts'
import type { Authorize } from './authorize/authorize.ts'

/** Options of `cacheAdmin`. */
export interface CacheAdminOptions {
  /**
   * The cache to show, made by `createCache`, or a function that returns it for a request. The pages show its namespace
   * and the namespaces nested in it.
   */
  cache: Cache | ((c: Context) => Cache)
  /**
   * Decides who may see the pages: `basic`, `cloudflareAccess`, `bearer` or your own function. Runs before everything
   * else.
   */
  authorize: Authorize
  /** If true, or if the function returns true for a request, nothing can be changed; default false. */
  readOnly?: boolean | ((c: Context) => boolean | Promise<boolean>) | undefined
  /** The heading on top of each page; default `Cache`. */
  title?: string | undefined
  /** Show only the history that `historyListener` recorded under this name; default: the sum of all names. */
  history?: string | undefined
}

const KNOWN_OPTIONS = ['cache', 'authorize', 'readOnly', 'title', 'history'] as const

/** The checked options. */
export interface AdminSettings {
  readonly cacheOf: (c: Context) => Cache
  readonly authorize: Authorize
  readonly isReadOnly: (c: Context) => boolean | Promise<boolean>
  readonly title: string
  readonly history: string | undefined
}

/** @throws InvalidOptionError */
export function parseAdminOptions(options: CacheAdminOptions): AdminSettings {
  const given = optionsObject<CacheAdminOptions>(options, KNOWN_OPTIONS)
  const { cache, authorize, readOnly = false, title = 'Cache', history } = given
  if (typeof authorize !== 'function') {
    throw new InvalidOptionError(
      `Expected authorize to be a function that decides who may see the pages, such as basic(…), got ${describeType(authorize)}.`,
    )
  }
  if (typeof readOnly !== 'function' && typeof readOnly !== 'boolean') {
    throw new InvalidOptionError(`Expected readOnly to be a boolean or a function, got ${describeType(readOnly)}.`)
  }
  if (typeof cache !== 'function') requireEngine(cache)
  return {
    cacheOf: typeof cache === 'function' ? cache : () => cache as Cache,
    authorize,
    isReadOnly: typeof readOnly === 'function' ? readOnly : () => readOnly,
    title: parseText('title', title),
    history: history === undefined ? undefined : parseText('history', history),
  }
}

function parseText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new InvalidOptionError(`Expected ${name} to be a string that is not empty, got ${describeType(value)}.`)
}
