/** The pages of `list` and their cursors, the same for every store. */

import type { EntryPage, ListOptions } from '../cache.ts'
import type { ListInput } from '../store/inputs.ts'
import type { PageReply } from '../store/store.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { keyRange, readableKey, type Scope } from '../values/key.ts'
import { optionsObject, wholeNumber } from '../values/options.ts'

const DEFAULT_PAGE = 100
const MAX_PAGE = 1_000
const STATES = ['all', 'live', 'expired', 'forever', 'invalidated'] as const

/** @throws InvalidOptionError, InvalidKeyError */
export function parseList(scope: Scope, options: ListOptions | undefined): ListInput {
  const {
    prefix = '',
    state = 'all',
    limit = DEFAULT_PAGE,
    cursor,
  } = optionsObject<ListOptions>(options, ['prefix', 'state', 'limit', 'cursor'])
  if (!(STATES as readonly unknown[]).includes(state)) {
    throw new InvalidOptionError(
      `Expected state to be 'live', 'expired', 'forever' or 'invalidated', got ${describeType(state)}.`,
    )
  }
  wholeNumber('limit', limit, 1, MAX_PAGE)
  const after = cursor === undefined ? '' : textOfCursor(cursor)
  return { range: keyRange(scope, prefix), isDirect: prefix !== '', state, limit, after }
}

/** @param reply if there is a next page, has one row more than `limit`, or `next` */
export function pageOf(scope: Scope, { value: rows, next }: PageReply, limit: number): EntryPage {
  const entries = rows.slice(0, limit)
  const after = rows.length > limit ? entries.at(-1)?.key : next
  return {
    entries: entries.map((row) => ({ ...row, ...readableKey(scope, row.key) })),
    ...(after === undefined ? {} : { cursor: cursorOf(after) }),
  }
}

/**
 * Makes a cursor, which is opaque and safe in a URL. It contains the last stored key of a page. The next page begins
 * after that key, whatever was written meanwhile.
 */
export function cursorOf(text: string): string {
  const binary = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** @throws InvalidOptionError */
export function textOfCursor(cursor: unknown): string {
  try {
    if (typeof cursor !== 'string' || cursor === '') throw new TypeError()
    const binary = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    if (text.includes('\0')) throw new TypeError()
    return text
  } catch {
    throw new InvalidOptionError(`Expected cursor to be the cursor of a page of list(), got ${describeType(cursor)}.`)
  }
}
