/** What the HTTP side asks of a database, be it a pool of a real server or PGlite's only connection. */

/** A statement with its parameters as Postgres text. */
export interface Statement {
  readonly sql: string
  readonly params: readonly (string | null)[]
  readonly arrayMode: boolean
}

/** The work of one request: one statement by itself, or a batch in a transaction. */
export interface Work {
  readonly statements: readonly Statement[]
  /** `START TRANSACTION …` for a batch; without it the only statement runs by itself. */
  readonly begin?: string
}

/** A column of a result as the wire protocol describes it. */
export interface Field {
  readonly name: string
  readonly tableID: number
  readonly columnID: number
  readonly dataTypeID: number
  readonly dataTypeSize: number
  readonly dataTypeModifier: number
}

/** Takes the results of a request as they come, so that one too large is noticed before it fills the memory. */
export interface ResultSink {
  begin(statement: Statement): void
  fields(fields: readonly Field[]): void
  /** Throws an `AnswerFailure` when the answer has become too large: stop and give up. */
  row(values: readonly (string | null)[]): void
  end(command: string, rowCount: number | null): void
}

export interface Backend {
  /** Runs the work; rejects with a `PostgresFailure`, a `LostDatabaseFailure` or an `AnswerFailure`. */
  run(work: Work, sink: ResultSink, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** What Postgres says about an error, field by field. */
export interface PostgresErrorFields {
  readonly message?: string | undefined
  readonly code?: string | undefined
  readonly severity?: string | undefined
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  readonly position?: string | undefined
  readonly internalPosition?: string | undefined
  readonly internalQuery?: string | undefined
  readonly where?: string | undefined
  readonly schema?: string | undefined
  readonly table?: string | undefined
  readonly column?: string | undefined
  readonly dataType?: string | undefined
  readonly constraint?: string | undefined
  readonly file?: string | undefined
  readonly line?: string | undefined
  readonly routine?: string | undefined
}

/** Postgres refused a statement, or (with `atConnect`) the connection. */
export class PostgresFailure extends Error {
  readonly fields: PostgresErrorFields
  readonly atConnect: boolean

  constructor(fields: PostgresErrorFields, atConnect = false) {
    super('Postgres answered with an error.')
    this.fields = fields
    this.atConnect = atConnect
  }
}

/** The database could not be reached, or went away while it worked. */
export class LostDatabaseFailure extends Error {}

/** The answer outgrew the limit, or cannot be written as JSON. */
export class AnswerFailure extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The client left before its work was done; nobody reads the answer. */
export class CancelledFailure extends Error {}
