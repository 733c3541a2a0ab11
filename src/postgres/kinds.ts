/**
 * The kinds of columns that a statement returns.
 *
 * Every column crosses the wire as text and is parsed here, because drivers and their global type parsers change all
 * other types. `float8` becomes a string or a Decimal, `int8` a bigint, `timestamptz` a Date, and arrays depend on the
 * driver.
 */
import { type Sql, sql } from '../schema/sql.ts'

export interface Kind<T> {
  /** For messages: "an integer". */
  readonly name: string
  readonly isNullable: boolean
  /** Converts the expression to text that `parse` can read under every session setting. */
  toText(expression: Sql): Sql
  /** Undefined if the text is not of this kind. */
  parse(text: string): T | undefined
}

function kind<T>(name: string, toText: Kind<T>['toText'], parse: Kind<T>['parse']): Kind<T> {
  return { name, isNullable: false, toText, parse }
}

export function nullable<T>(of: Kind<T>): Kind<T | null> {
  return { ...of, isNullable: true }
}

const unchanged = (expression: Sql) => expression
const whenLike = (pattern: RegExp) => (text: string) => (pattern.test(text) ? text : undefined)

const INTEGER = /^-?\d{1,16}$/
const DECIMAL = /^-?\d+(\.\d+)?$/

/** Expects an expression of type `text`. */
export const text: Kind<string> = kind('text', unchanged, (given) => given)

/** One of a few texts. */
export function oneOf<const Name extends string>(...names: Name[]): Kind<Name> {
  return kind(`one of ${names.join(', ')}`, unchanged, (given) => names.find((name) => name === given))
}

export const integer: Kind<number> = kind('an integer', (of) => sql`(${of})::bigint::text`, parseInteger)

/** A number of any size and precision, kept as text. */
export const decimal: Kind<string> = kind('a decimal number', (of) => sql`(${of})::numeric::text`, whenLike(DECIMAL))

/** Converted through `numeric`, because `extra_float_digits` rounds the text of a `float8`. */
export const number: Kind<number> = kind('a number', decimal.toText, (given) =>
  DECIMAL.test(given) ? Number(given) : undefined,
)

export const bool: Kind<boolean> = kind(
  'a boolean',
  (of) => sql`(${of})::text`,
  (given) => (given === 'true' ? true : given === 'false' ? false : undefined),
)

/** A `timestamptz` as milliseconds since the epoch, rounded down. */
export const instant: Kind<number> = kind(
  'an instant',
  (of) => sql`floor(extract(epoch from ${of}) * 1000)::text`,
  parseInteger,
)

export const snapshot: Kind<string> = kind('a snapshot', (of) => sql`(${of})::text`, whenLike(/^\d+:\d+:[\d,]*$/))

/**
 * JSON; expects an expression of type `json` or `jsonb`.
 *
 * @param isWellFormed returns true if a parsed value has the declared type
 */
export function json<T>(isWellFormed: (value: unknown) => value is T): Kind<T> {
  return kind(
    'JSON',
    (of) => sql`(${of})::text`,
    (given) => {
      try {
        const value: unknown = JSON.parse(given)
        return isWellFormed(value) ? value : undefined
      } catch {
        return undefined
      }
    },
  )
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

/** A JSON list of strings. */
export const jsonStrings: Kind<string[]> = json(isStrings)

/** A `text[]`. */
export const strings: Kind<string[]> = { ...jsonStrings, toText: (of) => sql`array_to_json(${of})::text` }

function parseInteger(given: string): number | undefined {
  return INTEGER.test(given) ? Number(given) : undefined
}
