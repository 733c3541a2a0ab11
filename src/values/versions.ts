/** The first version with `pg_snapshot`, `xid8` and column compression. */
export const OLDEST_POSTGRES = 14
/** The migration raises this SQLSTATE on an older server. Postgres itself does not use it. */
export const TOO_OLD_SQLSTATE = 'PGS14'

/** The encoding of a database that can store every value. So can SQL_ASCII, but it treats each byte as a character. */
export const ENCODING = 'UTF8'
/** The migration raises this SQLSTATE in a database with another encoding. */
export const ENCODING_SQLSTATE = 'PGSEN'
