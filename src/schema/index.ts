/**
 * The tables, as Drizzle knows them, and the predicates that say which entries count.
 *
 * What Drizzle cannot say (storage parameters, UNLOGGED, TOAST compression) `migrate` applies.
 */
import { and, isNotNull, isNull, not, type SQL, sql } from 'drizzle-orm'
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
import { cleanupSlot } from './cleanup-slot.ts'
import { rejected } from './rejected.ts'

/** Postgres cuts identifiers at NAMEDATALEN - 1 bytes, silently: a cut name is another name. */
const MAX_IDENTIFIER_BYTES = 63
/** The longest name derived from a prefix: the primary key of the invalidations. */
const LONGEST_NAME = 'cache_invalidations_tag_xid_pk'

// Byte order: the same on every server, needed for prefix ranges, and the order in which every statement locks.
const byteOrderedText = customType<{ data: string }>({ dataType: () => 'text collate "C"' })
const snapshot = customType<{ data: string }>({ dataType: () => 'pg_snapshot' })
const transactionId = customType<{ data: string }>({ dataType: () => 'xid8' })
const instant = (name: string) => timestamp(name, { withTimezone: true })

export interface CacheTablesOptions {
  /** The Postgres schema that the tables live in; default: the first of the connection's search_path. */
  schema?: string | undefined
  /** Put before each table's and index's name: `app_` makes `app_cache_entries`. Default: nothing. */
  prefix?: string | undefined
}

/**
 * The cache's tables under names of your own.
 *
 * @throws InvalidTableNameError when a name is empty, holds U+0000, or would be cut by Postgres; InvalidOptionError
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
      /** The namespace first, the caller's key last. */
      key: byteOrderedText('key').primaryKey(),
      /** The codec's text. Null where `number` holds the value, or where the value is null. */
      value: text('value'),
      /** A top-level number, so that counters need neither parsing nor a codec. */
      number: numeric('number'),
      /** Null: never. */
      expiresAt: instant('expires_at'),
      /** Until when a stale value may still be served; never before `expires_at`. Cleanup removes after it. */
      keptUntil: instant('kept_until'),
      /** The only indexed time: coarse, so that a touch rarely changes it. */
      cleanupSlot: integer('cleanup_slot').generatedAlwaysAs(cleanupSlot(sql.raw('kept_until'))),
      /** Null where there are none, so that untagged entries skip the check. */
      tags: text('tags').array(),
      /** What the fill could see; null where there are no tags. */
      filledAt: snapshot('filled_at'),
      /** How long the value took to compute, in milliseconds. */
      computeMs: doublePrecision('compute_ms'),
      createdAt: instant('created_at').notNull().defaultNow(),
      updatedAt: instant('updated_at').notNull().defaultNow(),
      /** The transaction that wrote the value or made it absent; a touch leaves it. Fills are fenced by it. */
      writtenBy: transactionId('written_by'),
      /** Of an HTTP response: its status, header fields and times, as JSON. Null for all other entries. */
      meta: text('meta'),
    },
    (t) => [index(`${prefix}cache_entries_cleanup_slot_idx`).on(t.cleanupSlot)],
  )

  /** The right to fill a key. Apart from the entries, so that leasing never touches one. */
  const leases = table(`${prefix}cache_leases`, {
    key: byteOrderedText('key').primaryKey(),
    /** Made by the client, so that a claim whose answer was lost can be repeated. Null once released. */
    token: text('token'),
    /** What the claim could see: the data that the value is computed from is no older. */
    claimedAt: snapshot('claimed_at'),
    /** The last transaction that claimed, filled, released or broke the lease. */
    xid: transactionId('xid').notNull().default(sql`pg_current_xact_id()`),
    expiresAt: instant('expires_at').notNull(),
    /** The entry's `written_by` as the claim saw it; null where there was no entry. */
    seen: transactionId('seen'),
  })

  /** Append-only: which tags were invalidated by which transaction. */
  const invalidations = table(
    `${prefix}cache_invalidations`,
    {
      tag: byteOrderedText('tag').notNull(),
      xid: transactionId('xid').notNull().default(sql`pg_current_xact_id()`),
    },
    (t) => [primaryKey({ name: `${prefix}cache_invalidations_tag_xid_pk`, columns: [t.tag, t.xid] })],
  )

  /** What the cache knows about itself: the migrations that were applied, and how far the log was trimmed. */
  const state = table(`${prefix}cache_state`, {
    name: text('name').primaryKey(),
    value: text('value').notNull(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  })

  /** Append-only: which keys and tags were changed by which transaction, for first tiers. Empty unless `migrate` keeps it. */
  const changes = table(
    `${prefix}cache_changes`,
    {
      xid: transactionId('xid').notNull().default(sql`pg_current_xact_id()`),
      /** `key`, `tag`, or `all`. */
      kind: text('kind').notNull(),
      name: byteOrderedText('name').notNull(),
    },
    (t) => [primaryKey({ name: `${prefix}cache_changes_pk`, columns: [t.xid, t.kind, t.name] })],
  )

  const counter = (name: string) => bigint(name, { mode: 'number' }).notNull().default(0)
  /** What happened, in buckets of five minutes: counts alone, no key and no value. Written by `historyListener` only. */
  const history = table(
    `${prefix}cache_history`,
    {
      /** Which cache, as its listener was told. */
      name: text('name').notNull(),
      bucketAt: instant('bucket_at').notNull(),
      hits: counter('hits'),
      misses: counter('misses'),
      stale: counter('stale'),
      writes: counter('writes'),
      deletes: counter('deletes'),
      /** Tags, not calls. */
      invalidations: counter('invalidations'),
      fills: counter('fills'),
      /** Of all computations, those included whose value was not stored. */
      fillMs: doublePrecision('fill_ms').notNull().default(0),
      slowestFillMs: doublePrecision('slowest_fill_ms').notNull().default(0),
      cleanups: counter('cleanups'),
      /** By those cleanups. */
      removed: counter('removed'),
      errors: counter('errors'),
    },
    (t) => [primaryKey({ name: `${prefix}cache_history_pk`, columns: [t.name, t.bucketAt] })],
  )

  return { entries, leases, invalidations, state, changes, history, schema, prefix }
}

/** The tables of one cache, from {@link cacheTables}. */
export type CacheTables = ReturnType<typeof cacheTables>

/** The tables that are used where no others are given. */
export const defaultTables: CacheTables = cacheTables()

export const cacheEntries = defaultTables.entries
export const cacheLeases = defaultTables.leases
export const cacheInvalidations = defaultTables.invalidations
export const cacheState = defaultTables.state
export const cacheChanges = defaultTables.changes
export const cacheHistory = defaultTables.history

/** Entries that reads answer with: not expired, and not rejected by a tag. At the deadline itself an entry is expired. */
export function live(tables: CacheTables = defaultTables): SQL<boolean> {
  return sql<boolean>`((${tables.entries.expiresAt} is null or ${tables.entries.expiresAt} > now()) and not ${rejected(tables, tables.entries)})`
}

/** Entries that read as absent, but are still stored: exactly those that are not {@link live}. */
export function expired(tables: CacheTables = defaultTables): SQL<boolean> {
  return sql<boolean>`${not(live(tables))}`
}

/** Live entries that will expire. */
export function unexpired(tables: CacheTables = defaultTables): SQL<boolean> {
  return sql<boolean>`${and(isNotNull(tables.entries.expiresAt), live(tables))}`
}

/** Live entries that never expire. */
export function forever(tables: CacheTables = defaultTables): SQL<boolean> {
  return sql<boolean>`${and(isNull(tables.entries.expiresAt), live(tables))}`
}

function checkIdentifier(what: 'schema' | 'prefix', name: unknown, maxBytes: number): void {
  if (typeof name !== 'string') {
    throw new InvalidTableNameError(`Expected the ${what} to be a string, got ${describeType(name)}.`)
  }
  if (name === '') throw new InvalidTableNameError(`Expected the ${what} to have at least one character.`)
  if (name.includes('\0') || !name.isWellFormed()) {
    throw new InvalidTableNameError(`Expected the ${what} to have neither U+0000 nor lone surrogates.`)
  }
  const bytes = new TextEncoder().encode(name).length
  if (bytes > maxBytes) {
    throw new InvalidTableNameError(
      `Expected a ${what} of at most ${maxBytes} bytes, so that no name exceeds Postgres's ${MAX_IDENTIFIER_BYTES}; got ${bytes}.`,
    )
  }
}
