/** What the pages work on: a cache's scope, and what its statements need. */

import { cursorOf, textOfCursor } from '../cache/listing.ts'
import { type PostgresEngine, postgresEngineOf } from '../postgres/postgres-store.ts'
import { describeType, InvalidKeyError, InvalidOptionError } from '../values/errors.ts'
import { utf8Bytes } from '../values/events.ts'
import { type KeyRange, keyRange, MAX_KEY_BYTES, type Scope } from '../values/key.ts'

/** @throws InvalidOptionError where the cache is none of `createCache`: others have no table to show */
export function contextOf(cache: unknown): PostgresEngine {
  const engine = postgresEngineOf(cache)
  if (engine !== undefined) return engine
  throw new InvalidOptionError(
    `Expected a cache of createCache's, whose tables can be shown; got ${describeType(cache)}.`,
  )
}

/** Matches a backslash of a stored key with the character that it escapes, or the pages' notation for an invisible character. No key holds that notation. */
const ESCAPE = /\\(?:u\{([0-9a-f]{1,6})\}|.)/gsu
const LAST_CODE_POINT = 0x10ffff

/** A prefix as a key is stored, from one that a person typed or copied from a page. */
export function prefixOf(shown: string): string {
  return shown.replace(ESCAPE, (found, hex?: string) => {
    const code = Number.parseInt(hex ?? '', 16)
    return code <= LAST_CODE_POINT ? String.fromCodePoint(code) : found
  })
}

/** Keys of the scope that start with a text, as they are stored: namespaces end with a bar. @throws InvalidKeyError */
export function rangeOf(scope: Scope, prefix = ''): KeyRange {
  if (prefix.includes('\0') || !prefix.isWellFormed() || utf8Bytes(prefix) > MAX_KEY_BYTES) {
    throw new InvalidKeyError(`Expected a prefix of at most ${MAX_KEY_BYTES} bytes, as a key could have it.`)
  }
  return keyRange(scopeOf(scope, prefix))
}

/** The scope as if it ended with a prefix: what is done to all of a scope is done to all that starts with it. */
export function scopeOf({ prefix: outer, names }: Scope, prefix: string): Scope {
  return { prefix: outer + prefix, names }
}

/** A stored key in a URL: reversible, whatever characters it has. */
export const keyParameter = cursorOf

/** The inverse; undefined for what is no key of the scope. */
export function keyOfParameter(scope: Scope, parameter: string | undefined): string | undefined {
  try {
    const key = textOfCursor(parameter)
    return key.startsWith(scope.prefix) && key !== scope.prefix ? key : undefined
  } catch {
    return undefined
  }
}
