/**
 * Prepares operations. Building a query costs 0.3 to 0.9 ms of CPU, and with a TCP driver on Workers each request needs
 * its own client and cache. So each statement is built once per process, and then only bound to each database's
 * session.
 */

import type { CacheTables } from '../../schema/index.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../../values/sha256.ts'
import type { Database, Prepared, QueryDatabase } from '../database.ts'
import type { Mark, Operation } from '../operation.ts'

export interface StatementForm {
  /** True for a named prepared statement. */
  readonly hasName: boolean
  readonly mark: Mark
}

/** A statement that is bound to a session. */
export interface Statement {
  readonly name: string | undefined
  readonly prepared: Prepared
}

/** The only method of Drizzle's sessions that a query's `prepare` calls. */
interface Session {
  prepareQuery(...args: unknown[]): object
}

/** The arguments that Drizzle gave a session for one query. They refer to no session, so they keep no client alive. */
interface Compiled {
  readonly name: string | undefined
  readonly args: readonly unknown[]
  /** Drizzle 0.45 sets this on the prepared query afterwards. */
  readonly joinsNotNullableMap?: unknown
}

/** Compiled statements by operation, for each form. */
type Statements = Record<`${'named' | 'unnamed'}, ${Mark}`, Map<Operation<never>, Compiled>>

/** Builds the operation's statement for this database, or binds the statement that was built for another database. */
export function prepare(db: Database, tables: CacheTables, operation: Operation<never>, form: StatementForm): Prepared {
  return prepareStatement(db, tables, operation, form).prepared
}

/** The same, with the statement's name. */
export function prepareStatement(
  db: Database,
  tables: CacheTables,
  operation: Operation<never>,
  form: StatementForm,
): Statement {
  const session = sessionOf(db)
  if (session === undefined) return build(db, tables, operation, form)
  const statements = statementsOf(db, session, tables)[`${form.hasName ? 'named' : 'unnamed'}, ${form.mark}`]
  let compiled = statements.get(operation)
  if (compiled === undefined) {
    compiled = compile(db, tables, operation, form)
    if (compiled === undefined) return build(db, tables, operation, form)
    statements.set(operation, compiled)
  }
  const { name, args, joinsNotNullableMap } = compiled
  const prepared = session.prepareQuery(...args)
  if (joinsNotNullableMap !== undefined) Object.assign(prepared, { joinsNotNullableMap })
  return { name, prepared: prepared as Prepared }
}

/**
 * Builds the query on a copy of the database whose session only records. Returns undefined if the database's methods
 * use another session.
 */
function compile(
  db: Database,
  tables: CacheTables,
  operation: Operation<never>,
  form: StatementForm,
): Compiled | undefined {
  const recorded: { args?: unknown[]; joinsNotNullableMap?: unknown } = {}
  const session = {
    prepareQuery(...args: unknown[]) {
      recorded.args = args
      return Object.assign(recorded, { setToken: () => recorded })
    },
  }
  const { name } = build(Object.create(db, { session: { value: session } }), tables, operation, form)
  const { args, joinsNotNullableMap } = recorded
  return args && { name, args, joinsNotNullableMap }
}

function build(
  db: Database,
  tables: CacheTables,
  operation: Operation<never>,
  { hasName, mark }: StatementForm,
): Statement {
  const query = operation.build(db as unknown as QueryDatabase, tables, mark)
  // If the user gave this database a Drizzle `cache`, it must not cache our statements.
  query.$withCache(false)
  // Use undefined, not '': postgres-js prepares a statement even with an empty name.
  const name = hasName ? statementName(query.toSQL().sql) : undefined
  return { name, prepared: query.prepare(name) }
}

/** Returns undefined if Drizzle does more than pass a query to its session: `$withAuth` adds a token. */
function sessionOf(db: Database): Session | undefined {
  if (Reflect.get(db, 'authToken') !== undefined) return undefined
  const session: unknown = Reflect.get(db, 'session')
  return typeof Object(session).prepareQuery === 'function' ? (session as Session) : undefined
}

const known = new WeakMap<CacheTables, { identities: unknown[]; statements: Statements }[]>()

/**
 * Returns the compiled statements that this database shares with others. Databases share statements if they have the
 * same tables, driver, version of Drizzle and codecs, because they then build and map queries in the same way.
 */
function statementsOf(db: Database, session: Session, tables: CacheTables): Statements {
  const { codecs, mapperGenerators, shapeGenerator } = Object(Reflect.get(db, 'dialect'))
  const identities = [session.constructor, codecs?.codecs, mapperGenerators?.rows, shapeGenerator]
  const ofTables = known.get(tables) ?? []
  if (ofTables.length === 0) known.set(tables, ofTables)
  const found = ofTables.find((each) => each.identities.every((identity, i) => identity === identities[i]))
  if (found !== undefined) return found.statements
  const statements: Statements = {
    'named, column name': new Map(),
    'named, last cell': new Map(),
    'unnamed, column name': new Map(),
    'unnamed, last cell': new Map(),
  }
  ofTables.push({ identities, statements })
  return statements
}

// Names a statement after its text, because a driver refuses one name for two texts.
function statementName(text: string): string {
  return `pgstash_${bytesToHex(sha256(utf8ToBytes(text))).slice(0, 24)}`
}
