/** The part of a cache that the pages show: its engine, its scope and its key ranges. */

import { cursorOf, textOfCursor } from '../cache/listing.ts'
import { type PostgresEngine, postgresEngineOf } from '../postgres/postgres-store.ts'
import { describeType, InvalidKeyError, InvalidOptionError } from '../values/errors.ts'
import { utf8Bytes } from '../values/events.ts'
import { type KeyRange, keyRange, MAX_KEY_BYTES, type Scope } from '../values/key.ts'

/** @throws InvalidOptionError if `createCache` did not create the cache. Other caches have no table to show. */
export function requireEngine(cache: unknown): PostgresEngine {
  const engine = postgresEngineOf(cache)
  if (engine !== undefined) return engine
  throw new InvalidOptionError(
    `Expected a cache from createCache, because the pages show its tables, got ${describeType(cache)}.`,
  )
}

/**
 * Matches a backslash of a stored key with the character that it escapes, or the notation of these pages for an
 * invisible character. No key contains that notation.
 */
const ESCAPE = /\\(?:u\{([0-9a-f]{1,6})\}|.)/gsu
const LAST_CODE_POINT = 0x10ffff

/** Converts a prefix that a person typed or copied from a page to its stored form. */
export function prefixOf(shown: string): string {
  return shown.replace(ESCAPE, (found, hex?: string) => {
    const code = Number.parseInt(hex ?? '', 16)
    return code <= LAST_CODE_POINT ? String.fromCodePoint(code) : found
  })
}

/**
 * Returns the range of stored keys in the scope that start with a prefix. A bar ends each namespace.
 *
 * @throws InvalidKeyError
 */
export function rangeOf(scope: Scope, prefix = ''): KeyRange {
  if (prefix.includes('\0') || !prefix.isWellFormed() || utf8Bytes(prefix) > MAX_KEY_BYTES) {
    throw new InvalidKeyError(`Expected a prefix of at most ${MAX_KEY_BYTES} bytes, without NUL and lone surrogates.`)
  }
  return keyRange(scopeOf(scope, prefix))
}

/** Extends a scope by a prefix, so that an operation on the scope affects exactly the keys with this prefix. */
export function scopeOf({ prefix: outer, names }: Scope, prefix: string): Scope {
  return { prefix: outer + prefix, names }
}

/** Encodes a stored key for a URL. Any characters survive the round trip. */
export const keyParameter = cursorOf

/** Decodes a key from a URL. Returns undefined if it is not a key of the scope. */
export function keyOfParameter(scope: Scope, parameter: string | undefined): string | undefined {
  try {
    const key = textOfCursor(parameter)
    return key.startsWith(scope.prefix) && key !== scope.prefix ? key : undefined
  } catch {
    return undefined
  }
}
