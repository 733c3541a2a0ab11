/** The interface between the HTTP side and a database: a pool of a real server, or PGlite's only connection. */

/** A statement with its parameters as Postgres text. */
export interface Statement {
  readonly sql: string
  readonly params: readonly (string | null)[]
  readonly arrayMode: boolean
}

/** The work of one request: a single statement, or a batch in a transaction. */
export interface Work {
  readonly statements: readonly Statement[]
  /** `START TRANSACTION …` for a batch. Absent for a single statement. */
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

/**
 * Receives the results of a request as they arrive, so that too large a result is stopped before it fills the memory.
 */
export interface ResultSink {
  begin(statement: Statement): void
  fields(fields: readonly Field[]): void
  /** Throws an `AnswerFailure` if the answer has become too large. Then the caller must stop. */
  row(values: readonly (string | null)[]): void
  end(command: string, rowCount: number | null): void
}

export interface Backend {
  /** Runs the work. Rejects with a `PostgresFailure`, a `LostDatabaseFailure` or an `AnswerFailure`. */
  run(work: Work, sink: ResultSink, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** The fields of an error of Postgres. */
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

/** Postgres refused a statement or, with `atConnect`, the connection. */
export class PostgresFailure extends Error {
  readonly fields: PostgresErrorFields
  readonly atConnect: boolean

  constructor(fields: PostgresErrorFields, atConnect = false) {
    super('Postgres answered with an error.')
    this.fields = fields
    this.atConnect = atConnect
  }
}

/** The database was unreachable, or the connection broke during the work. */
export class LostDatabaseFailure extends Error {}

/** The answer exceeded the limit, or cannot be written as JSON. */
export class AnswerFailure extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The client disconnected before its work was done, so nobody reads the answer. */
export class CancelledFailure extends Error {}
