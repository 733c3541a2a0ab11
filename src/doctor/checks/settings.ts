import { bool, nullable, number, text } from '../../postgres/kinds.ts'
import { operation, type RowOf } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'
import { oidOf, shownName } from '../../schema/table-names.ts'
import { type Check, type Observation, ok } from '../finding.ts'

const facts = operation({
  name: 'check_settings',
  repeatable: 'always',
  rows: 'any number',
  columns: { isEntries: bool, options: text, toastOptions: text },
  build: (tables) => ({
    select: {
      isEntries: sql`c.oid = ${oidOf(tables.entries)}`,
      options: sql`coalesce(array_to_string(c.reloptions, ','), '')`,
      toastOptions: sql`coalesce(array_to_string(t.reloptions, ','), '')`,
    },
    from: sql`pg_class as c left join pg_class as t on t.oid = c.reltoastrelid where c.oid in (${oidOf(tables.entries)}, ${oidOf(tables.leases)})`,
  }),
})

/** A smaller table has so few pages that it is cheap to log all of them after each checkpoint. */
const LARGE_TABLE_BYTES = 256 * 1024 * 1024
/** The default of Postgres. */
const MIN_CHECKPOINT_SECONDS = 300

/** Null for a setting that the server does not have. */
const server = operation({
  name: 'check_server_settings',
  repeatable: 'always',
  rows: 'one',
  columns: {
    hasAutovacuum: bool,
    logsPages: bool,
    compressesPages: bool,
    checkpointSeconds: nullable(number),
    maxWalBytes: nullable(number),
    heapBytes: number,
  },
  build: (tables) => ({
    select: {
      hasAutovacuum: sql`coalesce(current_setting('autovacuum', true)::boolean and current_setting('track_counts', true)::boolean, true)`,
      logsPages: sql`coalesce(current_setting('full_page_writes', true)::boolean, false)`,
      compressesPages: sql`coalesce(current_setting('wal_compression', true) not in ('off', 'no', 'false', '0'), true)`,
      checkpointSeconds: sql`extract(epoch from nullif(current_setting('checkpoint_timeout', true), '')::interval)::float8`,
      maxWalBytes: sql`pg_size_bytes(nullif(current_setting('max_wal_size', true), ''))::float8`,
      heapBytes: sql`coalesce(pg_relation_size(${oidOf(tables.entries)}), 0)::float8`,
    },
    from: sql`(select) as one`,
  }),
})

type ServerSettings = RowOf<typeof server.columns>

/** Finds server settings that are expensive for a cache of this size. */
function serverObservations(row: ServerSettings): Observation[] {
  const seen: Observation[] = []
  if (!row.hasAutovacuum) {
    const what = 'Autovacuum is switched off for the whole server: dead rows pile up, and reads become slower.'
    const advice =
      'alter system set autovacuum = on; alter system set track_counts = on; select pg_reload_conf(); or use the console of your provider.'
    seen.push({ status: 'problem', what, advice })
  }
  if (!row.logsPages || row.heapBytes < LARGE_TABLE_BYTES) return seen
  const size = megabytes(row.heapBytes)
  if (!row.compressesPages) {
    const what = `The entries take ${size}, and wal_compression is off: after each checkpoint, the first write to a page logs the whole page, 8 kB, uncompressed.`
    const advice =
      'Set wal_compression to lz4, or to on if the server has no lz4: alter system set wal_compression = lz4;'
    seen.push({ status: 'note', what, advice })
  }
  if (row.checkpointSeconds !== null && row.checkpointSeconds < MIN_CHECKPOINT_SECONDS) {
    const what = `checkpoint_timeout is ${row.checkpointSeconds} s: after each checkpoint, writes log whole pages again.`
    seen.push({ status: 'note', what, advice: "alter system set checkpoint_timeout = '15min'; or longer." })
  }
  if (row.maxWalBytes !== null && row.maxWalBytes < row.heapBytes) {
    const what = `max_wal_size is ${megabytes(row.maxWalBytes)}, less than the ${size} of the entries: many writes cause early checkpoints, and after each one writes log whole pages again.`
    const advice = `If the disk has room, raise it: alter system set max_wal_size = '${megabytes(row.heapBytes).replace(/[, ]/g, '')}';`
    seen.push({ status: 'note', what, advice })
  }
  return seen
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024).toLocaleString('en')} MB`

/** Matches every spelling of "off" that Postgres accepts, because it keeps the spelling. */
const SWITCHED_OFF = /(^|,)autovacuum_enabled=(f|n|of|0)/i

/**
 * Checks that the tables have the storage settings that `migrate` sets, and that the server's settings suit their size.
 * Other values of the same settings are the operator's choice.
 */
export const settings: Check = {
  name: 'settings',
  needsTables: true,
  async look({ runner, tables }) {
    const seen = (await runner.run(server)).flatMap(serverObservations)
    for (const { isEntries, options, toastOptions } of await runner.run(facts)) {
      const name = shownName(tables, isEntries ? tables.entries : tables.leases)
      const has = (option: string) => options.split(',').some((one) => one.startsWith(`${option}=`))
      if (SWITCHED_OFF.test(options)) {
        const what = `Autovacuum is switched off for ${name}: dead rows pile up, and reads become slower.`
        seen.push({ status: 'problem', what, advice: `alter table ${name} reset (autovacuum_enabled);` })
      }
      if (SWITCHED_OFF.test(toastOptions)) {
        const what = `Autovacuum is switched off for large values of ${name}: deleted values keep their disk space.`
        seen.push({ status: 'problem', what, advice: `alter table ${name} reset (toast.autovacuum_enabled);` })
      }
      const missing = ['autovacuum_vacuum_scale_factor', 'fillfactor'].filter((option) => !has(option))
      if (isEntries && !toastOptions.includes('autovacuum_vacuum_scale_factor')) missing.push('toast autovacuum')
      if (missing.length > 0) {
        const what = `${name} lacks ${missing.join(', ')}: touches cost more, and vacuum runs too late.`
        seen.push({ status: 'warning', what, advice: 'Run `pgstash migrate` as the owner of the tables.' })
      }
    }
    return seen.length > 0
      ? seen
      : [ok('Fillfactor and autovacuum are set, and the write-ahead log suits the size of the cache.')]
  },
}
