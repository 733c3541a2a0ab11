/** The options of a cached function: its cache, its keys and its computations. */
import { checkedCache } from '../cache/checked-cache.ts'
import type { Cache, Fill, GetOrSetOptions } from '../cache.ts'
import { markAbsent } from '../fill/absent.ts'
import { parseGetOrSet } from '../fill/options.ts'
import { getDefaultCache } from '../stores/default-cache.ts'
import { DEFAULT_SLACK } from '../values/defaults.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { type Deadline, NEVER } from '../values/expiration.ts'
import { optionsObject } from '../values/options.ts'
import { toArray } from '../values/replayable.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'
import { argumentText } from './argument-text.ts'

/** Options of `cached`. */
export interface CachedOptions<Args extends readonly unknown[] = never>
  extends Omit<GetOrSetOptions, 'tags' | 'asOf' | 'signal'> {
  /**
   * The cache that stores the values, or a function that returns the cache. Default: the default cache at the time of
   * the call. A function is called each time with the call's `this`: `(repository: Repository) => repository.cache`.
   */
  cache?: Cache | ((self: never) => Cache) | undefined
  /**
   * The beginning of all keys, or a function that makes the whole key from the arguments. Default: the function's name.
   * For a method, `Class.method`, `Class extends Definer.method` or `static Class.method`.
   *
   * Two functions of the same name share entries, so set `key` if another function may have the same name. Set it also
   * if the name is generated, such as `bound find` or `default`: such a name is refused. And set it if the code is
   * minified. A name of one to three letters gets a digest of the function's text, so its keys change whenever the text
   * changes.
   */
  key?: string | ((this: never, ...args: Args) => string) | undefined
  /**
   * Tags by which `cache.invalidate` finds the values, or a function that makes them from the arguments. Default: none.
   */
  tags?: Iterable<string> | ((this: never, ...args: Args) => Iterable<string>) | undefined
}

const KNOWN_OPTIONS = [
  'cache',
  'key',
  'tags',
  'expiration',
  'sliding',
  'maxAge',
  'stale',
  'lease',
  'beta',
  'softTimeout',
  'backoff',
  'waitUntil',
] as const satisfies readonly (keyof CachedOptions)[]

// A type error here means that an option of the type is missing in the list.
KNOWN_OPTIONS satisfies readonly unknown[] & {
  [Missing in Exclude<keyof CachedOptions, (typeof KNOWN_OPTIONS)[number]>]: never
}

/** Any function. */
export type AnyFunction = (...args: unknown[]) => unknown

/** The checked options. */
export interface CachedPlan {
  readonly fn: AnyFunction
  keyOf(self: unknown, args: unknown[]): string
  cacheOf(self: unknown): Cache
  optionsOf(self: unknown, args: unknown[]): GetOrSetOptions
}

/** A longer text of arguments is replaced by its hash, which keeps keys short for every cache. */
const MAX_ARGUMENT_CHARACTERS = 256
/** Any positive span. Only the cache knows whether `sliding` has one, because it may have a default expiration. */
const SOME_SPAN: Deadline = { kind: 'after', ms: 1 }

/**
 * @param name returns the default beginning of the keys for the `this` of a call
 * @throws InvalidOptionError, InvalidExpirationError, InvalidKeyError
 */
export function planOf(
  fn: AnyFunction,
  options: CachedOptions | undefined,
  name: (self: unknown) => string,
): CachedPlan {
  const { cache, key, tags, ...rest } = optionsObject<CachedOptions>(options, KNOWN_OPTIONS)
  // Check the options now, not at the first call.
  parseGetOrSet(rest, { expiration: rest.sliding === true ? SOME_SPAN : NEVER, slack: DEFAULT_SLACK })
  if (cache !== undefined && typeof cache !== 'function') checkedCache(cache, 'cache')
  if (key !== undefined && typeof key !== 'function' && (typeof key !== 'string' || key === '')) {
    throw new InvalidOptionError(`Expected key to be a prefix or a function, got ${describeType(key)}.`)
  }
  const makeKey = key as AnyFunction | string | undefined
  const makeTags = toArray(tags) as AnyFunction | Iterable<string> | undefined
  return {
    fn,
    keyOf(self, args) {
      if (typeof makeKey === 'function') return makeKey.apply(self, args) as string
      return `${makeKey ?? name(self)}(${shortText(argumentText(args))})`
    },
    cacheOf(self) {
      if (typeof cache === 'function')
        return checkedCache((cache as AnyFunction)(self), 'the result of the option cache')
      return cache ?? getDefaultCache()
    },
    optionsOf(self, args) {
      if (makeTags === undefined) return rest
      return {
        ...rest,
        tags: (typeof makeTags === 'function' ? makeTags.apply(self, args) : makeTags) as Iterable<string>,
      }
    },
  }
}

/** Returns the computation of a call. */
export function computationOf({ fn, keyOf }: CachedPlan, self: unknown, args: unknown[], key: string) {
  return async (fill: Fill): Promise<unknown> => {
    // If an argument was changed since the call, the value belongs to another key. Neither store nor share it.
    const isChanged = keyOf(self, args) !== key
    if (isChanged) fill.skip()
    const value = await fn.apply(self, args)
    if (value === undefined && !isChanged) markAbsent(fill)
    return value
  }
}

function shortText(text: string): string {
  return text.length <= MAX_ARGUMENT_CHARACTERS ? text : `#${bytesToHex(sha256(utf8ToBytes(text)))}`
}
