/**
 * The Drizzle tables, and conditions on the state of an entry.
 *
 * `migrate` applies what Drizzle cannot express: storage parameters, UNLOGGED, TOAST compression.
 */
import { type SQL, sql } from 'drizzle-orm'
import {
  bigint,
  customType,
  doublePrecision,
  index,
  integer,
  numeric,
  PgSchema,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { describeType, InvalidTableNameError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { UNKNOWN_SLOT } from './cleanup-slot.ts'
import { isExpired, isForever, isLive, isUnexpired } from './conditions.ts'
import { drizzleCondition } from './drizzle-sql.ts'

/** Postgres silently truncates identifiers to NAMEDATALEN - 1 bytes, and a truncated name is a different name. */
const MAX_IDENTIFIER_BYTES = 63
/** The longest name derived from a prefix: the primary key of the invalidations. */
const LONGEST_NAME = 'cache_invalidations_tag_xid_pk'

const snapshot = customType<{ data: string }>({ dataType: () => 'pg_snapshot' })
const transactionId = customType<{ data: string }>({ dataType: () => 'xid8' })
const instant = (name: string) => timestamp(name, { withTimezone: true })

/** Options of {@link cacheTables}. */
export interface CacheTablesOptions {
  /** The Postgres schema of the tables. Default: the first schema of the connection's search_path. */
  schema?: string | undefined
  /** Starts the name of each table and index: `app_` makes `app_cache_entries`. Default: nothing. */
  prefix?: string | undefined
}

/**
 * Defines the cache's tables under names of your choice.
 *
 * @throws InvalidTableNameError if a name is empty, holds U+0000, or is so long that Postgres would truncate it;
 *   InvalidOptionError
 * @example
 * const tables = cacheTables({ schema: 'cache', prefix: 'shop_' })
 * await migrate(db, { tables })
 * const cache = createCache(db, { tables })
 */
export function cacheTables(options: CacheTablesOptions = {}) {
  const { prefix = '', schema } = optionsObject<CacheTablesOptions>(options, ['schema', 'prefix'])
  if (prefix !== '') checkIdentifier('prefix', prefix, MAX_IDENTIFIER_BYTES - LONGEST_NAME.length)
  if (schema !== undefined) checkIdentifier('schema', schema, MAX_IDENTIFIER_BYTES)
  const table: typeof pgTable =
    schema === undefined ? pgTable : (new PgSchema(schema).table as unknown as typeof pgTable)

  const entries = table(
    `${prefix}cache_entries`,
    {
      /** The path of namespaces, then the caller's key. */
      key: text('key').primaryKey(),
      /** The codec's text. Null if `number` holds the value, or if the value is null. */
      value: text('value'),
      /** A top-level number, so that counters need neither parsing nor a codec. */
      number: numeric('number'),
      /** Null means never. */
      expiresAt: instant('expires_at'),
      /**
       * A stale value may be served until this instant. Cleanup removes the entry after it. Never before `expires_at`.
       */
      keptUntil: instant('kept_until'),
      /** The slot of `kept_until`, and the only indexed time. Coarse, so that a touch rarely changes it. */
      cleanupSlot: integer('cleanup_slot').default(UNKNOWN_SLOT),
      /** Null if there are no tags, so that untagged entries skip the check. */
      tags: text('tags').array(),
      /** The snapshot of the data that the value was computed from. Null if there are no tags. */
      filledAt: snapshot('filled_at'),
      /** How long the value took to compute, in milliseconds. */
      computeMs: doublePrecision('compute_ms'),
      createdAt: instant('created_at').notNull().defaultNow(),
      updatedAt: instant('updated_at').notNull().defaultNow(),
      /** The transaction that wrote the value or made it absent. A touch does not change it. It fences fills. */
      writtenBy: transactionId('written_by'),
      /** The status, header fields and times of an HTTP response, as JSON. Null for all other entries. */
      meta: text('meta'),
    },
    (t) => [index(`${prefix}cache_entries_cleanup_slot_idx`).on(t.cleanupSlot)],
  )

  /** Leases: the right to fill a key. They have a separate table, so that leasing never writes an entry. */
  const leases = table(
    `${prefix}cache_leases`,
    {
      key: text('key').primaryKey(),
      /** Made by the client, so that it can repeat a claim whose answer was lost. Null once released. */
      token: text('token'),
      /** The claim's snapshot. The value is computed from data that is no older. */
      claimedAt: snapshot('claimed_at'),
      /** The last transaction that claimed, filled, released or broke the lease. */
      xid: transactionId('xid').notNull().default(sql`pg_current_xact_id()`),
      expiresAt: instant('expires_at').notNull(),
      /** The entry's `written_by` as the claim saw it. Null if there was no entry. */
      seen: transactionId('seen'),
      /** The slot of `expires_at`, by which cleanup finds idle leases. A claim and its fill are mostly in one slot. */
      cleanupSlot: integer('cleanup_slot').default(UNKNOWN_SLOT),
    },
    (t) => [index(`${prefix}cache_leases_cleanup_slot_idx`).on(t.cleanupSlot)],
  )

  /** An append-only log of invalidated tags, with the transaction that invalidated each. */
  const invalidations = table(
    `${prefix}cache_invalidations`,
    {
      tag: text('tag').notNull(),
      xid: transactionId('xid').notNull().default(sql`pg_current_xact_id()`),
    },
    (t) => [primaryKey({ name: `${prefix}cache_invalidations_tag_xid_pk`, columns: [t.tag, t.xid] })],
  )

  /** The state of the cache: the applied migrations, and how far the log was trimmed. */
  const state = table(`${prefix}cache_state`, {
    name: text('name').primaryKey(),
    value: text('value').notNull(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  })

  /** An append-only log of changed keys and tags, for first tiers. Empty unless `migrate` was called with `changes`. */
  const changes = table(
    `${prefix}cache_changes`,
    {
      xid: transactionId('xid').notNull().default(sql`pg_current_xact_id()`),
      /** `key`, `tag`, or `all`. */
      kind: text('kind').notNull(),
      name: text('name').notNull(),
    },
    (t) => [primaryKey({ name: `${prefix}cache_changes_pk`, columns: [t.xid, t.kind, t.name] })],
  )

  const counter = (name: string) => bigint(name, { mode: 'number' }).notNull().default(0)
  /** Counts of events in buckets of five minutes, without keys and values. Only `historyListener` writes this table. */
  const history = table(
    `${prefix}cache_history`,
    {
      /** The cache's name, as passed to its listener. */
      name: text('name').notNull(),
      bucketAt: instant('bucket_at').notNull(),
      hits: counter('hits'),
      misses: counter('misses'),
      stale: counter('stale'),
      writes: counter('writes'),
      deletes: counter('deletes'),
      /** Counts tags, not calls. */
      invalidations: counter('invalidations'),
      fills: counter('fills'),
      /** The time of all computations, including those whose value was not stored. */
      fillMs: doublePrecision('fill_ms').notNull().default(0),
      slowestFillMs: doublePrecision('slowest_fill_ms').notNull().default(0),
      cleanups: counter('cleanups'),
      /** The entries that these cleanups removed. */
      removed: counter('removed'),
      errors: counter('errors'),
      /** Allowed and refused calls of `limit`. */
      allowed: counter('allowed'),
      refused: counter('refused'),
    },
    (t) => [primaryKey({ name: `${prefix}cache_history_pk`, columns: [t.name, t.bucketAt] })],
  )

  return { entries, leases, invalidations, state, changes, history, schema, prefix }
}

/** The tables of one cache, from {@link cacheTables}. */
export type CacheTables = ReturnType<typeof cacheTables>

/** The tables of caches that were created without `tables`. */
export const defaultTables: CacheTables = cacheTables()

/** The default table of entries, `cache_entries`: one row for each key, with its value, deadline and tags. */
export const cacheEntries = defaultTables.entries
/**
 * The default table of leases, `cache_leases`: one row for each key that a caller computes or has computed. Cleanup
 * removes idle rows.
 */
export const cacheLeases = defaultTables.leases
/**
 * The default log of invalidated tags, `cache_invalidations`: each row has a tag, and the transaction that invalidated
 * it. Cleanup trims it.
 */
export const cacheInvalidations = defaultTables.invalidations
/**
 * The default table of the cache's own state, `cache_state`: the applied migrations, and how far the logs were trimmed.
 */
export const cacheState = defaultTables.state
/**
 * The default log of changed keys and tags, `cache_changes`, for first tiers. It stays empty unless `migrate` was
 * called with `changes`.
 */
export const cacheChanges = defaultTables.changes
/**
 * The default table of event counts in buckets of five minutes, `cache_history`. It has no keys and values. Only
 * `historyListener` of `pgstash/telemetry` writes it.
 */
export const cacheHistory = defaultTables.history

/**
 * Selects the entries that reads return: not expired, and not rejected by a tag. An entry is expired exactly at its
 * deadline.
 *
 * @example
 * const keys = await db.select({ key: cacheEntries.key }).from(cacheEntries).where(live())
 */
export function live(tables: CacheTables = defaultTables): SQL<boolean> {
  return drizzleCondition(isLive, tables)
}

/**
 * Selects the stored entries that count as absent: exactly those that are not {@link live}.
 *
 * @example
 * const waiting = await db.$count(cacheEntries, expired())
 */
export function expired(tables: CacheTables = defaultTables): SQL<boolean> {
  return drizzleCondition(isExpired, tables)
}

/**
 * Selects live entries that will expire.
 *
 * @example
 * const temporary = await db.$count(cacheEntries, unexpired())
 */
export function unexpired(tables: CacheTables = defaultTables): SQL<boolean> {
  return drizzleCondition(isUnexpired, tables)
}

/**
 * Selects live entries that never expire.
 *
 * @example
 * const permanent = await db.$count(cacheEntries, forever())
 */
export function forever(tables: CacheTables = defaultTables): SQL<boolean> {
  return drizzleCondition(isForever, tables)
}

function checkIdentifier(kind: 'schema' | 'prefix', name: unknown, maxBytes: number): void {
  if (typeof name !== 'string') {
    throw new InvalidTableNameError(`Expected the ${kind} to be a string, got ${describeType(name)}.`)
  }
  if (name === '') throw new InvalidTableNameError(`Expected the ${kind} to have at least one character.`)
  if (name.includes('\0') || !name.isWellFormed()) {
    throw new InvalidTableNameError(`Expected the ${kind} to have neither U+0000 nor lone surrogates.`)
  }
  const bytes = new TextEncoder().encode(name).length
  if (bytes > maxBytes) {
    throw new InvalidTableNameError(
      `Expected a ${kind} of at most ${maxBytes} bytes, so that no name exceeds Postgres's ${MAX_IDENTIFIER_BYTES}; got ${bytes}.`,
    )
  }
}
