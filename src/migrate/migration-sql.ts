/**
 * Writes the migrations and the storage settings as one statement.
 *
 * The statement is a `do` block. Over a driver without sessions, only a `do` block can take a lock, decide and change
 * in one transaction. Ten migrations at once wait for each other, and a failure leaves nothing half done.
 */
import { checkedTables } from '../schema/checked-tables.ts'
import type { CacheTables } from '../schema/index.ts'
import { ownTables } from '../schema/own-tables.ts'
import { escapeFormat, guardedBlock, identifier, literal } from '../schema/sql-text.ts'
import type { NamedTable, TableNames } from '../schema/table-names.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { ENCODING, ENCODING_SQLSTATE, OLDEST_POSTGRES, TOO_OLD_SQLSTATE } from '../values/versions.ts'
import { changeSteps, checkedChannel } from './changes-sql.ts'
import { clusterStep } from './cluster-sql.ts'
import { collationSteps } from './collation-sql.ts'
import { DISTRIBUTED_DECLARATIONS, distributedSteps } from './distributed-sql.ts'
import { GUARD_DECLARATIONS, guardSteps } from './guard-sql.ts'
import { findHome, findTables, homeDeclarations, homeOid, homeTable, lockSteps, run } from './home-sql.ts'
import { LOCK_DECLARATIONS, lockStep, withLockRetries } from './locks-sql.ts'
import { type Migration, migrations } from './migrations.ts'
import { ROUTINE_DECLARATIONS, routineSteps } from './routines-sql.ts'

/** Half of Postgres's default, because every `set` leaves a dead row, and a cache is rewritten often. */
const DEFAULT_AUTOVACUUM_SCALE_FACTOR = 0.1
/** Even lower, because a rewritten large value leaves many dead chunks. */
const DEFAULT_TOAST_AUTOVACUUM_SCALE_FACTOR = 0.05
/** Free space on each page keeps a touched row on its page, so that the touch is heap-only (HOT). */
const DEFAULT_FILLFACTOR = 85
/** Longer than two releases run side by side. */
const DEFAULT_ROUTINE_RETENTION_DAYS = 30

const KNOWN_OPTIONS = [
  'tables',
  'unlogged',
  'autovacuumScaleFactor',
  'toastAutovacuumScaleFactor',
  'fillfactor',
  'compression',
  'changes',
  'notify',
  'routines',
  'routineRetentionDays',
] as const

/** Options of `migrate` and {@link migrationSql}. */
export interface MigrateOptions {
  /** The result of `cacheTables({ schema, prefix })`. Default: the exported tables. */
  tables?: CacheTables | undefined
  /**
   * Keeps entries and leases out of the write-ahead log. Default false. Writes are faster, but a crash or a failover
   * empties both tables, and so does every suspend of a Neon compute.
   */
  unlogged?: boolean | undefined
  /** The share of dead rows that starts a vacuum of the table, 0 to 100. Default 0.1. */
  autovacuumScaleFactor?: number | undefined
  /** The same for the table's TOAST, which holds large values. Default 0.05. */
  toastAutovacuumScaleFactor?: number | undefined
  /** The percentage of a page that inserts fill, 10 to 100. Default 85. */
  fillfactor?: number | undefined
  /** The compression of large values. Default `lz4`, or `pglz` on a server that was built without `lz4`. */
  compression?: 'lz4' | 'pglz' | undefined
  /**
   * Logs changed keys and tags for first tiers (`tieredCache({ changes: true })`). Default false. Costs a trigger on
   * each write, and a row of about 60 bytes for each key that it changes.
   */
  changes?: boolean | undefined
  /**
   * The channel for a NOTIFY with the changed keys and tags, for `listen`. Default false: no NOTIFY. **Postgres commits
   * transactions that notify one at a time.**
   */
  notify?: string | false | undefined
  /**
   * Installs the statements as functions. Default true. Without them, each call over HTTP sends kilobytes of SQL, and
   * the server parses and plans it again. The same holds for other drivers that cannot keep statements prepared.
   */
  routines?: boolean | undefined
  /**
   * How many days the functions of another version stay, so that both versions can run side by side; 0 to 3650. Default
   * 30.
   */
  routineRetentionDays?: number | undefined
}

/**
 * Returns the SQL that `migrate` runs, for review or for `psql`. Idempotent, one transaction.
 *
 * @throws InvalidOptionError
 * @example
 * await writeFile('cache.sql', migrationSql({ tables }))
 */
export function migrationSql(given?: MigrateOptions): string {
  const options = optionsObject<MigrateOptions>(given, KNOWN_OPTIONS)
  const tables = checkedTables(options.tables ?? undefined)
  const routines = routineSteps(tables, {
    isWanted: boolean('routines', options.routines ?? true),
    retentionDays: inRange(
      'routineRetentionDays',
      options.routineRetentionDays ?? DEFAULT_ROUTINE_RETENTION_DAYS,
      0,
      3_650,
    ),
  })
  const changes = [
    ...migrations.map((migration) => migrationStep(migration, tables)),
    distributedSteps(tables),
    collationSteps(tables),
    ...storageSteps(tables, options),
    clusterStep(tables),
    ...changeSteps(tables, {
      log: boolean('changes', options.changes ?? false),
      channel: checkedChannel(options.notify),
    }),
    routines.record,
  ]
  // The routines are most of the work and lock no table, so they come before the changes that lock tables.
  const body = [
    preamble(tables),
    distributedSteps(tables),
    routines.install,
    withLockRetries(tables, changes.join('\n\n')),
  ].join('\n\n')
  return guardedBlock(
    `${homeDeclarations(tables)}\n${GUARD_DECLARATIONS}\n${LOCK_DECLARATIONS}\n${DISTRIBUTED_DECLARATIONS}\napplied pg_catalog.text[] := '{}';\n${ROUTINE_DECLARATIONS}`,
    body,
    lockSteps(tables) + findTables(tables),
  )
}

function preamble(tables: TableNames): string {
  const own = ownTables(tables)
  return [
    `if current_setting('server_version_num')::int < ${OLDEST_POSTGRES}0000 then
  raise exception 'pgstash needs Postgres ${OLDEST_POSTGRES} or newer' using errcode = '${TOO_OLD_SQLSTATE}';
end if;
if getdatabaseencoding() <> '${ENCODING}' then
  raise exception 'pgstash needs a database in UTF8' using errcode = '${ENCODING_SQLSTATE}';
end if;`,
    findHome(tables),
    ...(tables.schema === undefined
      ? []
      : [
          `if to_regnamespace(${literal(identifier(tables.schema))}) is null then
  create schema ${identifier(tables.schema)};
end if;`,
        ]),
    guardSteps(tables),
    `-- Where a table was dropped they are applied again, and leave alone what is there.
if ${own.map((table) => `${homeOid(table)} is not null`).join('\n  and ')} then
  ${run(`select coalesce(array_agg(name), '{}') from ${homeTable(tables.state)}`, 'into applied')}
end if;`,
  ].join('\n')
}

function migrationStep(migration: Migration, tables: TableNames): string {
  const name = literal(`migration ${migration.name}`)
  // "If not exists" adopts tables that the user generated with drizzle-kit.
  const statements = migration.statements.map((statement) =>
    run(
      renameTables(escapeFormat(statement), tables)
        .replace(/^(create (?:table|index)|alter table .+ add column) /i, '$1 if not exists ')
        .replace(/;$/, ''),
    ),
  )
  // New tables have no traffic yet.
  const changesTables = migration.statements.some((statement) => /^(?:alter table|create index) /i.test(statement))
  return `-- ${migration.name}
if not ${name} = any (applied) then
${changesTables ? `${lockStep('access exclusive')}\n` : ''}${statements.join('\n')}
  ${run(`insert into ${homeTable(tables.state)} (name, value) values (${escapeFormat(name)}, '') on conflict do nothing`)}
end if;`
}

function storageSteps(tables: TableNames, options: MigrateOptions): string[] {
  const heap = inRange(
    'autovacuumScaleFactor',
    options.autovacuumScaleFactor ?? DEFAULT_AUTOVACUUM_SCALE_FACTOR,
    0,
    100,
  )
  const toast = inRange(
    'toastAutovacuumScaleFactor',
    options.toastAutovacuumScaleFactor ?? DEFAULT_TOAST_AUTOVACUUM_SCALE_FACTOR,
    0,
    100,
  )
  const fillfactor = inRange('fillfactor', options.fillfactor ?? DEFAULT_FILLFACTOR, 10, 100)
  if (!Number.isInteger(fillfactor)) throw new InvalidOptionError('Expected fillfactor to be a whole number.')
  const churning = [tables.leases, tables.entries]
  return [
    ...churning.map((table) => parameterStep(table, { autovacuum_vacuum_scale_factor: heap, fillfactor }, 'heap')),
    parameterStep(tables.entries, { autovacuum_vacuum_scale_factor: toast }, 'toast'),
    compressionStep(tables, options.compression ?? 'lz4'),
    ...churning.map((table) => persistenceStep(table, options.unlogged ?? false)),
  ]
}

/**
 * Changes storage parameters only if they differ, because an unneeded `alter table` would wait for a running vacuum.
 */
function parameterStep(table: NamedTable, parameters: Record<string, number>, relation: 'heap' | 'toast'): string {
  const wanted = Object.entries(parameters)
  const oid = homeOid(table)
  const holder = relation === 'heap' ? oid : `(select reltoastrelid from pg_class where oid = ${oid})`
  const prefix = relation === 'heap' ? '' : 'toast.'
  return `if not coalesce((
  select reloptions @> array[${wanted.map(([name, value]) => literal(`${name}=${value}`)).join(', ')}]
  from pg_class where oid = ${holder}
), false) then
  ${run(`alter table ${homeTable(table)} set (${wanted.map(([name, value]) => `${prefix}${name} = ${value}`).join(', ')})`)}
end if;`
}

function compressionStep(tables: TableNames, compression: unknown): string {
  if (compression !== 'lz4' && compression !== 'pglz') {
    throw new InvalidOptionError(`Expected compression to be 'lz4' or 'pglz', got ${describeType(compression)}.`)
  }
  // On a server that was built without lz4, the column keeps the server's default.
  return `if exists (
  select from pg_settings where name = 'default_toast_compression' and '${compression}' = any (enumvals)
) and not exists (
  select from pg_attribute
  where attrelid = ${homeOid(tables.entries)} and attname = 'value' and attcompression::text = '${compression[0]}'
) then
  ${lockStep('access exclusive')}
  ${run(`alter table ${homeTable(tables.entries)} alter column value set compression ${compression}`)}
end if;`
}

function persistenceStep(table: NamedTable, unlogged: unknown): string {
  if (typeof unlogged !== 'boolean') {
    throw new InvalidOptionError(`Expected unlogged to be a boolean, got ${describeType(unlogged)}.`)
  }
  const [have, word] = unlogged ? ['u', 'unlogged'] : ['p', 'logged']
  return `if (select relpersistence::text from pg_class where oid = ${homeOid(table)}) <> '${have}' then
  ${lockStep('access exclusive')}
  ${run(`alter table ${homeTable(table)} set ${word}`)}
end if;`
}

/** Renames the tables of a statement, because drizzle-kit generates statements for the default names. */
function renameTables(statement: string, tables: TableNames): string {
  const names = new Map(
    ownTables(tables).map((table) => {
      const name = table.tableName
      return [name.slice(tables.prefix.length), homeTable(table)]
    }),
  )
  return statement.replace(/"((?:[^"]|"")+)"/g, (quoted, name: string) => {
    const table = names.get(name)
    if (table !== undefined) return table
    const derived = [...names.keys()].some((original) => name.startsWith(`${original}_`))
    return derived ? escapeFormat(identifier(tables.prefix + name)) : quoted
  })
}

function inRange(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw new InvalidOptionError(
    `Expected ${name} to be a number from ${min} to ${max}, got ${typeof value === 'number' ? 'a number out of range' : describeType(value)}.`,
  )
}
