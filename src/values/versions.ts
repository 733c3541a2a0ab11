/** `pg_snapshot`, `xid8` and column compression are all there from this version on. */
export const OLDEST_POSTGRES = 14
/** Raised by the migration on an older server; no SQLSTATE of Postgres's own. */
export const TOO_OLD_SQLSTATE = 'PGS14'
