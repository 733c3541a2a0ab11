/** Parses a request's body and headers into work for the database. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Statement, Work } from './backend.ts'

/** Neon's limit for a request: 64 MiB. */
export const MAX_REQUEST_BYTES = 64 * 1024 * 1024

/** The request is malformed: Neon answers 400 with this message. */
export class BadRequestError extends Error {}

const ISOLATION_LEVELS = new Map([
  ['ReadUncommitted', 'READ UNCOMMITTED'],
  ['ReadCommitted', 'READ COMMITTED'],
  ['RepeatableRead', 'REPEATABLE READ'],
  ['Serializable', 'SERIALIZABLE'],
])

export interface RequestHeaders {
  readonly rawText: boolean
  readonly arrayMode: boolean
  /** `START TRANSACTION …` with the options that the headers ask for. */
  readonly begin: string
  /** The batch headers in effect, which Neon repeats in its answer. */
  readonly echo: Record<string, string>
}

/** As in Neon, any value but exactly `true` is false. Only an unknown isolation level is an error. */
export function readHeaders(headers: IncomingHttpHeaders): RequestHeaders {
  const options: string[] = []
  const echo: Record<string, string> = {}
  const level = headers['neon-batch-isolation-level']
  if (level !== undefined) {
    const sql = ISOLATION_LEVELS.get(String(level))
    if (sql === undefined) throw new BadRequestError('invalid isolation level')
    options.push(`ISOLATION LEVEL ${sql}`)
    echo['neon-batch-isolation-level'] = String(level)
  }
  for (const [header, sql] of [
    ['neon-batch-read-only', 'READ ONLY'],
    ['neon-batch-deferrable', 'DEFERRABLE'],
  ] as const) {
    if (headers[header] !== 'true') continue
    options.push(sql)
    echo[header] = 'true'
  }
  return {
    rawText: headers['neon-raw-text-output'] === 'true',
    arrayMode: headers['neon-array-mode'] === 'true',
    begin: ['START TRANSACTION', options.join(', ')].filter(Boolean).join(' '),
    echo,
  }
}

/** Reads `{query, params}` or `{queries: […]}`. Messages never quote the body. */
export function readWork(body: string, headers: RequestHeaders): Work {
  const payload = parseJson(body)
  if (isRecord(payload)) {
    const single = readStatement(payload, headers.arrayMode)
    if (single !== undefined) return { statements: [single] }
    if (Array.isArray(payload.queries)) {
      const statements = payload.queries.map((query) =>
        isRecord(query) ? readStatement(query, headers.arrayMode) : undefined,
      )
      if (!statements.includes(undefined)) return { statements: statements as Statement[], begin: headers.begin }
    }
  }
  throw new BadRequestError(
    'could not parse the HTTP request body: data did not match any variant of untagged enum Payload',
  )
}

function readStatement(query: Record<string, unknown>, defaultArrayMode: boolean): Statement | undefined {
  const { query: sql, params = [], arrayMode } = query
  if (typeof sql !== 'string' || !Array.isArray(params)) return undefined
  if (arrayMode !== undefined && arrayMode !== null && typeof arrayMode !== 'boolean') return undefined
  return { sql, params: params.map(paramToText), arrayMode: arrayMode ?? defaultArrayMode }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Marks a number inside a parsed body. U+0000 cannot occur in a Postgres text, so no valid string parameter
 * begins like this.
 */
const NUMBER_MARK = '\u0000number:'

/**
 * Keeps the digits of numbers: a double would round 9007199254740993. Numbers are rare, because drivers send strings.
 */
function parseJson(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body)
    return hasNumberParam(value) ? JSON.parse(markNumbers(body)) : value
  } catch {
    throw new BadRequestError('could not parse the HTTP request body: expected JSON')
  }
}

function hasNumberParam(value: unknown): boolean {
  if (typeof value === 'number') return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNumberParam)
}

function markNumbers(body: string): string {
  return body.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/gs, (token) =>
    token.startsWith('"') ? token : `"\\u0000number:${formatNumber(token)}"`,
  )
}

/** Formats numbers like Neon: 64-bit integers exactly, and all others as doubles with a point or an exponent. */
function formatNumber(source: string): string {
  if (/^-?\d{1,18}$/.test(source)) return source
  if (/^-?\d+$/.test(source)) {
    const value = BigInt(source)
    if (value >= -(2n ** 63n) && value < 2n ** 64n) return source
  }
  const text = String(Number(source)).replace('e+', 'e')
  return /[.e]/.test(text) ? text : `${text}.0`
}

/** Converts a parameter to Postgres text: JSON arrays become array literals, and objects become JSON. */
function paramToText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value.startsWith(NUMBER_MARK) ? value.slice(NUMBER_MARK.length) : value
  if (Array.isArray(value)) return arrayToText(value)
  return jsonToText(value)
}

function arrayToText(values: readonly unknown[]): string {
  const items = values.map((value) => {
    if (value === null) return 'NULL'
    if (Array.isArray(value)) return arrayToText(value)
    return typeof value === 'object' ? JSON.stringify(jsonToText(value)) : jsonToText(value)
  })
  return `{${items.join(',')}}`
}

function jsonToText(value: unknown): string {
  return JSON.stringify(value).replace(/"(?:[^"\\]|\\.)*"/gs, (token) =>
    token.startsWith('"\\u0000number:') ? token.slice('"\\u0000number:'.length, -1) : token,
  )
}
