/** Writes errors as Neon's proxy does: the same status, and the same null and empty fields. */

import { AnswerFailure, LostDatabaseFailure, type PostgresErrorFields, PostgresFailure } from './backend.ts'
import { BadRequestError } from './payload.ts'

export interface ErrorAnswer {
  readonly status: number
  readonly body: string
}

/** Turns any failure of a request into an answer that reveals nothing about this process. */
export function errorToAnswer(error: unknown): ErrorAnswer {
  if (error instanceof PostgresFailure) {
    return { status: error.atConnect ? 500 : 400, body: errorBody(error.fields) }
  }
  if (error instanceof BadRequestError) return { status: 400, body: errorBody({ message: error.message }) }
  if (error instanceof AnswerFailure) return { status: error.status, body: errorBody({ message: error.message }) }
  if (error instanceof LostDatabaseFailure) return { status: 500, body: errorBody({ message: error.message }) }
  return { status: 500, body: errorBody({ message: 'internal error' }) }
}

/** Always writes all seventeen fields. Absent fields are null, but `code` and `severity` are empty strings. */
export function errorBody(fields: PostgresErrorFields): string {
  const hasOwnPosition = fields.position !== undefined
  return JSON.stringify({
    message: fields.message ?? '',
    code: fields.code ?? '',
    detail: fields.detail ?? null,
    hint: fields.hint ?? null,
    position: fields.position ?? null,
    // Neon reports a position in the statement or one in an inner query, never both.
    internalPosition: hasOwnPosition ? null : (fields.internalPosition ?? null),
    internalQuery: hasOwnPosition || fields.internalPosition === undefined ? null : (fields.internalQuery ?? null),
    severity: fields.severity ?? '',
    where: fields.where ?? null,
    table: fields.table ?? null,
    column: fields.column ?? null,
    schema: fields.schema ?? null,
    dataType: fields.dataType ?? null,
    constraint: fields.constraint ?? null,
    file: fields.file ?? null,
    line: fields.line ?? null,
    routine: fields.routine ?? null,
  })
}
