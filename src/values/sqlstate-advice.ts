import { OLDEST_POSTGRES, TOO_OLD_SQLSTATE } from './versions.ts'

const MIGRATE = 'run `pgstash migrate`, or migrate(db) from pgstash/migrate'

const LOST_NAME =
  'A pooler between this program and Postgres does not keep prepared statements: pass `preparedNames: false` to createCache.'

/** SQLSTATEs that people meet, and what to do about each. */
export const SQLSTATE_ADVICE: Record<string, string> = {
  '25006': 'The database is read-only: connect to the primary, not to a replica.',
  '26000': LOST_NAME,
  '25P02': 'The transaction failed before this statement: roll it back.',
  '28000': 'Postgres refused the login: check the user and the database of the connection string.',
  '28P01': 'Postgres refused the password of the connection string.',
  '3D000': "The connection string's database does not exist.",
  '3F000': `The schema of the cache's tables does not exist: ${MIGRATE}.`,
  '42501':
    "The role lacks a privilege on the cache's tables, or the right to create them, or row-level security refuses the row: `pgstash doctor` names the grants and tables.",
  '42703': `The cache's tables lack a column: they belong to another version, or a table of your own has the name. To find out, ${MIGRATE}.`,
  '42804': `A column of the cache's tables has another type: a table of your own may have the name. To find out, ${MIGRATE}.`,
  '42P10': `A table of the cache lacks its key: a table of your own may have the name. To find out, ${MIGRATE}.`,
  '42P05': LOST_NAME,
  '42P01': `The cache's tables do not exist: ${MIGRATE}.`,
  '53100': 'The disk of the database server is full.',
  '53200': 'The database server is out of memory.',
  '53300': 'The database server has too many connections: use its pooler.',
  '55P03': 'Another transaction kept a lock for longer than lock_timeout allows.',
  '57014': 'The statement was cancelled, by statement_timeout or by an operator.',
  '57P01': 'The database server is shutting down.',
  '57P03': 'The database server is starting up.',
  '57P05': 'The server closed the connection, because it was idle for longer than idle_session_timeout allows.',
  [TOO_OLD_SQLSTATE]: `pgstash needs Postgres ${OLDEST_POSTGRES} or newer.`,
}

/** The meaning of the first two characters (Postgres's manual, appendix A), if it helps. */
const CLASSES: Record<string, string> = {
  '08': 'the connection failed',
  '22': 'a value is not of the form that it should have',
  '23': 'a constraint does not allow it',
  '25': 'the state of the transaction does not allow it',
  '26': 'a prepared statement is gone: set preparedNames: false behind a pooler that does not track names',
  '28': 'the login was refused',
  '40': 'it had to give way to another transaction',
  '42': 'the statement does not fit the database, or a right is missing',
  '53': 'the server lacks resources',
  '54': "a limit of Postgres's was reached",
  '55': 'the object is not in the state that it needs',
  '57': 'an operator or a timeout ended it',
  '58': "the server's operating system failed",
  P0: 'a function or trigger refused it',
  XX: 'an internal error',
}

/** Explains an SQLSTATE and says what to do. */
export function sqlStateAdvice(sqlState: string): string {
  const meaning = CLASSES[sqlState.slice(0, 2)]
  const why = meaning === undefined ? '' : `: ${meaning}`
  return SQLSTATE_ADVICE[sqlState] ?? `Postgres refused the statement with SQLSTATE ${sqlState}${why}.`
}
