/** Builds the JSON answer of a request while the rows arrive. */

import { AnswerFailure, type Field, type ResultSink, type Statement } from './backend.ts'
import { reportedTypeId, valueToJson } from './value-json.ts'

/** Neon's limit for an answer: 64 MiB. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** Collects results as JSON text. `text()` returns the answer's body. */
export class Answer implements ResultSink {
  readonly #raw: boolean
  readonly #isBatch: boolean
  readonly #chunks: string[] = []
  #bytes = 0
  #results = 0
  #rows = 0
  #arrayMode = false
  #keys: string[] = []
  #types: number[] = []

  constructor(options: { rawText: boolean; isBatch: boolean }) {
    this.#raw = options.rawText
    this.#isBatch = options.isBatch
  }

  begin(statement: Statement): void {
    if (this.#results++ > 0) this.#chunks.push(',')
    this.#arrayMode = statement.arrayMode
    this.#rows = 0
    this.#chunks.push(`{"rowAsArray":${statement.arrayMode},"fields":`)
  }

  fields(fields: readonly Field[]): void {
    this.#types = fields.map(({ dataTypeID }) => reportedTypeId(dataTypeID))
    this.#keys = fields.map(({ name }) => `${JSON.stringify(name)}:`)
    const described = fields.map((field, index) => ({
      name: field.name,
      dataTypeID: this.#types[index],
      tableID: field.tableID,
      columnID: field.columnID,
      dataTypeSize: field.dataTypeSize,
      dataTypeModifier: field.dataTypeModifier,
      format: 'text',
    }))
    this.#chunks.push(JSON.stringify(described), ',"rows":[')
  }

  row(values: readonly (string | null)[]): void {
    const json = this.#tryRowToJson(values)
    this.#chunks.push(this.#rows++ > 0 ? `,${json}` : json)
    this.#bytes += Buffer.byteLength(json)
    if (this.#bytes <= MAX_ANSWER_BYTES) return
    throw new AnswerFailure(507, `response is too large (max is ${MAX_ANSWER_BYTES} bytes)`)
  }

  end(command: string, rowCount: number | null): void {
    this.#chunks.push(`],"command":${JSON.stringify(command)},"rowCount":${rowCount}}`)
  }

  text(): string {
    const results = this.#chunks.join('')
    return this.#isBatch ? `{"results":[${results}]}` : results
  }

  #tryRowToJson(values: readonly (string | null)[]): string {
    try {
      return this.#rowToJson(values)
    } catch {
      throw new AnswerFailure(500, 'could not parse postgres response')
    }
  }

  #rowToJson(values: readonly (string | null)[]): string {
    // By far the most common case, because the driver always requests arrays of raw text.
    if (this.#arrayMode && this.#raw) return JSON.stringify(values)
    const items = values.map((value, index) => {
      const json =
        value === null ? 'null' : this.#raw ? JSON.stringify(value) : valueToJson(value, this.#types[index] ?? 0)
      return this.#arrayMode ? json : `${this.#keys[index]}${json}`
    })
    return this.#arrayMode ? `[${items.join(',')}]` : `{${items.join(',')}}`
  }
}

/** Splits a command tag as Neon does: `INSERT 0 3` is INSERT and 3, `CREATE TABLE` is CREATE and no count. */
export function parseCommandTag(tag: string): { command: string; rowCount: number | null } {
  const [command = '', ...rest] = tag.split(' ')
  const count = command === 'INSERT' ? rest[1] : rest.length === 1 ? rest[0] : undefined
  return { command, rowCount: count !== undefined && /^\d+$/.test(count) ? Number(count) : null }
}
