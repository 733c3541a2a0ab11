/** One entry as a line of JSON. `export` writes this format, and `import` reads it. */

import { describeType } from '../values/errors.ts'
import { MAX_KEY_BYTES, movedKey } from '../values/key.ts'
import { utf8ToBytes } from '../values/sha256.ts'
import { parseInstant } from './calendar.ts'
import { decimalText } from './json-text.ts'
import { UserError } from './user-error.ts'

export interface DumpLine {
  /** The exported namespace, in its stored form: the start of each key. Absent if the export had no `--namespace`. */
  readonly namespace?: string
  /** The stored key, without `namespace`. */
  readonly key: string
  /** The text that the codec wrote. */
  readonly value?: string
  readonly number?: string
  /** Absent if the entry never expires. */
  readonly expiresAt?: string
  /** The end of the time in which the entry may be served stale. Absent: the same as `expiresAt`. Null: no end. */
  readonly keptUntil?: string | null
  readonly tags?: string[]
  /** The snapshot that the value was computed from. `origin` names the log of invalidations that it belongs to. */
  readonly filledAt?: string
  readonly origin?: string
  readonly computeMs?: number
  readonly createdAt?: string
  readonly updatedAt?: string
  /** Status and header fields, if the entry is an HTTP response. */
  readonly meta?: string
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/
const INSTANT_HELP = 'an instant of the calendar such as 2030-01-01T00:00:00Z'
const DECIMAL = /^-?\d/
const SNAPSHOT = /^(\d{1,19}):(\d{1,19}):((?:\d{1,19}(?:,\d{1,19})*)?)$/
const MAX_TRANSACTION = 2n ** 63n - 1n

/** For each field: a check of its value, and a description for the error. */
const FIELDS: Record<keyof DumpLine, [isRight: (value: unknown) => boolean, expected: string]> = {
  namespace: [(value) => isText(value) && value.endsWith('|'), 'a namespace as it is stored'],
  key: [(value) => isText(value) && value !== '', 'a key as it is stored'],
  value: [isText, 'text'],
  number: [isDecimal, 'a decimal number as text, within the range of a JavaScript number'],
  expiresAt: [isInstant, INSTANT_HELP],
  keptUntil: [(value) => value === null || isInstant(value), `${INSTANT_HELP}, or null`],
  tags: [(value) => Array.isArray(value) && value.every(isTag), 'an array of tags as they are stored'],
  filledAt: [isSnapshot, 'a snapshot'],
  origin: [isText, 'text'],
  computeMs: [(value) => Number.isFinite(value) && Number(value) >= 0, 'a number'],
  createdAt: [isInstant, INSTANT_HELP],
  updatedAt: [isInstant, INSTANT_HELP],
  meta: [isText, 'text'],
}

/** @throws UserError that names the line and the mistake, but quotes nothing from the line */
export function parseLine(text: string, line: number): DumpLine {
  const given = parseObject(text, line)
  for (const [name, value] of Object.entries(given)) {
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof DumpLine] : undefined
    if (field === undefined) throw new UserError(`Line ${line}: unknown field. Expected only ${fieldNames()}.`)
    if (!field[0](value)) {
      throw new UserError(`Line ${line}: expected ${name} to be ${field[1]}, got ${describeType(value)}.`)
    }
  }
  const entry = given as DumpLine
  if (entry.key === undefined) throw new UserError(`Line ${line}: expected a key.`)
  if (entry.value !== undefined && entry.number !== undefined) {
    throw new UserError(`Line ${line}: expected a value or a number, got both.`)
  }
  if (utf8ToBytes((entry.namespace ?? '') + entry.key).length > MAX_KEY_BYTES) {
    throw new UserError(`Line ${line}: expected a key of at most ${MAX_KEY_BYTES} bytes, its namespace included.`)
  }
  // Postgres accepts fewer forms of exponents than JSON.
  return entry.number === undefined ? entry : { ...entry, number: decimalText(entry.number, 'number') }
}

/** Returns the key to store the entry under, or undefined if the key cannot move to the target namespace. */
export function keyOf({ namespace = '', key }: DumpLine, target: string | undefined): string | undefined {
  return movedKey(namespace, target ?? namespace, key)
}

/**
 * Returns the tags as JSON, or null if there are none. The tags are already in stored form: encoding them again could
 * change long ones.
 */
export function tagsOf({ tags = [] }: DumpLine): string | null {
  return tags.length === 0 ? null : JSON.stringify([...new Set(tags)])
}

function parseObject(text: string, line: number): object {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    throw new UserError(`Line ${line}: expected JSON.`)
  }
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given
  throw new UserError(`Line ${line}: expected an object, got ${describeType(given)}.`)
}

function fieldNames(): string {
  return Object.keys(FIELDS).join(', ')
}

/** Postgres stores no NUL characters and no lone surrogates. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0') && value.isWellFormed()
}

function isTag(value: unknown): boolean {
  return isText(value) && value !== '' && utf8ToBytes(value).length <= MAX_KEY_BYTES
}

function isInstant(value: unknown): boolean {
  return isText(value) && INSTANT.test(value) && parseInstant(value) !== undefined
}

function isDecimal(value: unknown): boolean {
  if (!isText(value) || !DECIMAL.test(value)) return false
  try {
    return decimalText(value, 'number') !== ''
  } catch {
    return false
  }
}

/** Postgres refuses transaction ids that are out of order. Its error would end the import without the line's number. */
function isSnapshot(value: unknown): boolean {
  const [, from, to, running = ''] = (isText(value) && SNAPSHOT.exec(value)) || []
  if (from === undefined || to === undefined) return false
  const [first, end] = [BigInt(from), BigInt(to)]
  const ids = running === '' ? [] : running.split(',').map(BigInt)
  const areInOrder = ids.every((id, index) => id >= (ids[index - 1] ?? first) && id < end)
  return first > 0n && first <= end && end <= MAX_TRANSACTION && areInOrder
}
