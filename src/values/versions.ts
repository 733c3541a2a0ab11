/** The first version with `pg_snapshot`, `xid8` and column compression. */
export const OLDEST_POSTGRES = 14
/** Raised by the migration on an older server. Postgres itself does not use this SQLSTATE. */
export const TOO_OLD_SQLSTATE = 'PGS14'

/** The encoding of a database that can hold every value. SQL_ASCII can as well, but it takes each byte for a character. */
export const ENCODING = 'UTF8'
/** Raised by the migration in a database of another encoding. */
export const ENCODING_SQLSTATE = 'PGSEN'
