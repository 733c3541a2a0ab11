/** Explains SQLSTATEs, and says what to do about each. docs/troubleshooting.md has more. */
import { ENCODING_SQLSTATE, OLDEST_POSTGRES, TOO_OLD_SQLSTATE } from './versions.ts'

const MIGRATE = 'run `pgstash migrate` or migrate(db)'
const FOREIGN = `another version made it, or a table of your own has the name. To find out, ${MIGRATE}.`
const NAME_LOST = 'The pooler does not keep prepared statements: pass `preparedNames: false` to createCache.'

const ENCODING =
  "Not every value fits into the database's encoding: use a database in UTF8 (create database … encoding 'UTF8' template template0)."

/** The advice for the SQLSTATEs that users encounter. */
export const SQLSTATE_ADVICE: Record<string, string> = {
  '08P01': "A pooler or proxy ended the connection, or the server does not speak Postgres's protocol.",
  '22P05': ENCODING,
  [ENCODING_SQLSTATE]: ENCODING,
  '25006': 'The database is read-only: connect to the primary.',
  '26000': NAME_LOST,
  '25P03':
    'The server ended the connection: its transaction was idle for too long (idle_in_transaction_session_timeout).',
  '25P04': 'The server ended the connection: its transaction took too long (transaction_timeout).',
  '25P02': 'The transaction failed before this statement: roll it back.',
  '28000': 'Postgres refused the login: check user and database of the connection string.',
  '28P01': 'Postgres refused the password of the connection string.',
  '3D000': "The connection string's database does not exist.",
  // `migrate` creates the schema that `cacheTables` names, so only a search_path can cause this.
  '3F000':
    'The search_path names no schema that exists and that the role may use: correct it, or name one with cacheTables({ schema }).',
  '42501':
    "The role lacks a right to use or create the cache's tables, or row-level security refuses the row: run `pgstash doctor`.",
  '42703': `A table of the cache lacks a column: ${FOREIGN}`,
  '428C9': `The cache's tables are of an older version: ${MIGRATE}.`,
  '42804': `A table of the cache has a column of another type: ${FOREIGN}`,
  '42P10': `A table of the cache lacks its key: ${FOREIGN}`,
  '42P05': NAME_LOST,
  '42P01': `The cache's tables do not exist: ${MIGRATE}. If the search_path names no schema that exists, correct it first.`,
  '53100': "The database server's disk is full.",
  '53200': 'The database server is out of memory.',
  '53300': 'The database server has too many connections: use its pooler.',
  '55P03': 'Another transaction held a lock for longer than lock_timeout.',
  '57014': 'The statement was cancelled by statement_timeout or an operator.',
  '57P01': 'The database server is shutting down.',
  '57P02': 'The database server is restarting after a crash.',
  '57P03': 'The database server is starting up.',
  '57P05': 'The server closed the idle connection (idle_session_timeout).',
  [TOO_OLD_SQLSTATE]: `pgstash needs Postgres ${OLDEST_POSTGRES} or newer.`,
}

/** The meaning of the first two characters (Postgres manual, appendix A), for SQLSTATEs without advice. */
const CLASSES: Record<string, string> = {
  '08': 'the connection failed',
  '22': 'a value is invalid',
  '23': 'a constraint forbids it',
  '25': 'the transaction is in the wrong state',
  '40': 'it lost to another transaction',
  '42': 'the statement is invalid here, or a right is missing',
  '53': 'the server lacks resources',
  '54': 'a limit was reached',
  '55': 'an object is in the wrong state',
  '57': 'an operator or a timeout ended it',
  '58': "the server's system failed",
  P0: 'a function or trigger refused it',
  XX: 'an internal error',
}

/** Explains an SQLSTATE and says what to do. */
export function sqlStateAdvice(sqlState: string): string {
  const meaning = CLASSES[sqlState.slice(0, 2)]
  const why = meaning === undefined ? '' : `: ${meaning}`
  return SQLSTATE_ADVICE[sqlState] ?? `Postgres refused the statement with SQLSTATE ${sqlState}${why}.`
}
