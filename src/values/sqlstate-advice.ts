import { OLDEST_POSTGRES, TOO_OLD_SQLSTATE } from './versions.ts'

const MIGRATE = 'run `pgstash migrate`, or migrate(db) from pgstash/migrate'

/** SQLSTATEs that people meet, and what to do about each. */
export const SQLSTATE_ADVICE: Record<string, string> = {
  '25006': 'The database is read-only: connect to the primary, not to a replica.',
  '28000': 'Postgres refused the login: check the user and the database of the connection string.',
  '28P01': 'Postgres refused the password of the connection string.',
  '3D000': "The connection string's database does not exist.",
  '3F000': `The schema of the cache's tables does not exist: ${MIGRATE}.`,
  '42501':
    "The role lacks a privilege on the cache's tables, or the right to create them, or row-level security refuses the row: `pgstash doctor` names the grants and tables.",
  '42703': `The cache's tables lack a column: they belong to another version, or a table of your own has the name. To find out, ${MIGRATE}.`,
  '42804': `A column of the cache's tables has another type: a table of your own may have the name. To find out, ${MIGRATE}.`,
  '42P10': `A table of the cache lacks its key: a table of your own may have the name. To find out, ${MIGRATE}.`,
  '42P01': `The cache's tables do not exist: ${MIGRATE}.`,
  '53100': 'The disk of the database server is full.',
  '53300': 'The database server has too many connections: use its pooler.',
  '57014': 'The statement was cancelled, by statement_timeout or by an operator.',
  '57P01': 'The database server is shutting down.',
  '57P03': 'The database server is starting up.',
  [TOO_OLD_SQLSTATE]: `pgstash needs Postgres ${OLDEST_POSTGRES} or newer.`,
}
