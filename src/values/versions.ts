/** The first version with `pg_snapshot`, `xid8` and column compression. */
export const OLDEST_POSTGRES = 14
/** Raised by the migration on an older server. Postgres itself does not use this SQLSTATE. */
export const TOO_OLD_SQLSTATE = 'PGS14'
