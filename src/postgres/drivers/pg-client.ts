/** The parts that we use of a client of pg, neon-serverless or Vercel. */

/** A statement with its parameters. */
export interface Statement {
  readonly name: string | undefined
  readonly text: string
  readonly values: readonly (string | null)[]
  readonly rowMode: 'array'
  readonly types: { getTypeParser(): (cell: unknown) => unknown }
}

export interface Result {
  readonly fields: readonly { readonly name: string }[]
  readonly rows: unknown[][]
}

export type Answered = (error: unknown, result?: Result) => void

export interface PgClient {
  query(statement: Statement, values: undefined, callback: Answered): unknown
  query(query: Query): unknown
  on(event: 'error', listener: () => void): unknown
  removeListener(event: 'error', listener: () => void): unknown
}

/** A statement that a client holds until its connection is free. */
export interface Query {
  /** Sends the statement. Returns an error if it must not be sent. */
  submit(connection: unknown): Error | null
}

/** A class of clients. */
export interface PgClientClass {
  new (options: object): unknown
  readonly Query?: new (statement: Statement, values: undefined, callback: Answered) => Query
}

/** The class that made a client. */
export function classOf(client: object): PgClientClass {
  return client.constructor as unknown as PgClientClass
}

/** True for a client that has its own connection. */
export function isPgClient(client: unknown): client is PgClient {
  const { connect, query, connection } = Object(client)
  return [connect, query].every((method) => typeof method === 'function') && typeof connection === 'object'
}

/** Swallows the `error` event of a connection in use. Its statement fails with the same error. */
export function ignoreError(): void {}
