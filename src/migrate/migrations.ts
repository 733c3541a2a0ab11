// Generated from drizzle/ by drizzle/embed.mjs. Do not edit.

export interface Migration {
  readonly name: string
  readonly statements: readonly string[]
}

export const migrations: readonly Migration[] = [
  {
    "name": "0000_init",
    "statements": [
      "CREATE TABLE \"cache_entries\" (\n\t\"key\" text collate \"C\" PRIMARY KEY NOT NULL,\n\t\"value\" text,\n\t\"number\" numeric,\n\t\"expires_at\" timestamp with time zone,\n\t\"kept_until\" timestamp with time zone,\n\t\"cleanup_slot\" integer GENERATED ALWAYS AS (floor(extract(epoch from (kept_until - timestamptz '2000-01-01 00:00:00+00')) / 600)::int) STORED,\n\t\"tags\" text[],\n\t\"filled_at\" \"pg_snapshot\",\n\t\"compute_ms\" double precision,\n\t\"created_at\" timestamp with time zone DEFAULT now() NOT NULL,\n\t\"updated_at\" timestamp with time zone DEFAULT now() NOT NULL\n);",
      "CREATE TABLE \"cache_invalidations\" (\n\t\"tag\" text collate \"C\" NOT NULL,\n\t\"xid\" \"xid8\" DEFAULT pg_current_xact_id() NOT NULL,\n\tCONSTRAINT \"cache_invalidations_tag_xid_pk\" PRIMARY KEY(\"tag\",\"xid\")\n);",
      "CREATE TABLE \"cache_leases\" (\n\t\"key\" text collate \"C\" PRIMARY KEY NOT NULL,\n\t\"token\" text,\n\t\"claimed_at\" \"pg_snapshot\",\n\t\"xid\" \"xid8\" DEFAULT pg_current_xact_id() NOT NULL,\n\t\"expires_at\" timestamp with time zone NOT NULL\n);",
      "CREATE TABLE \"cache_state\" (\n\t\"name\" text PRIMARY KEY NOT NULL,\n\t\"value\" text NOT NULL,\n\t\"updated_at\" timestamp with time zone DEFAULT now() NOT NULL\n);",
      "CREATE INDEX \"cache_entries_cleanup_slot_idx\" ON \"cache_entries\" USING btree (\"cleanup_slot\");"
    ]
  },
  {
    "name": "0001_fences",
    "statements": [
      "ALTER TABLE \"cache_entries\" ADD COLUMN \"written_by\" \"xid8\";",
      "ALTER TABLE \"cache_leases\" ADD COLUMN \"seen\" \"xid8\";"
    ]
  },
  {
    "name": "0002_responses",
    "statements": [
      "ALTER TABLE \"cache_entries\" ADD COLUMN \"meta\" text;"
    ]
  },
  {
    "name": "0003_changes",
    "statements": [
      "CREATE TABLE \"cache_changes\" (\n\t\"xid\" \"xid8\" DEFAULT pg_current_xact_id() NOT NULL,\n\t\"kind\" text NOT NULL,\n\t\"name\" text collate \"C\" NOT NULL,\n\tCONSTRAINT \"cache_changes_pk\" PRIMARY KEY(\"xid\",\"kind\",\"name\")\n);"
    ]
  },
  {
    "name": "0004_history",
    "statements": [
      "CREATE TABLE \"cache_history\" (\n\t\"name\" text NOT NULL,\n\t\"bucket_at\" timestamp with time zone NOT NULL,\n\t\"hits\" bigint DEFAULT 0 NOT NULL,\n\t\"misses\" bigint DEFAULT 0 NOT NULL,\n\t\"stale\" bigint DEFAULT 0 NOT NULL,\n\t\"writes\" bigint DEFAULT 0 NOT NULL,\n\t\"deletes\" bigint DEFAULT 0 NOT NULL,\n\t\"invalidations\" bigint DEFAULT 0 NOT NULL,\n\t\"fills\" bigint DEFAULT 0 NOT NULL,\n\t\"fill_ms\" double precision DEFAULT 0 NOT NULL,\n\t\"slowest_fill_ms\" double precision DEFAULT 0 NOT NULL,\n\t\"cleanups\" bigint DEFAULT 0 NOT NULL,\n\t\"removed\" bigint DEFAULT 0 NOT NULL,\n\t\"errors\" bigint DEFAULT 0 NOT NULL,\n\tCONSTRAINT \"cache_history_pk\" PRIMARY KEY(\"name\",\"bucket_at\")\n);"
    ]
  },
  {
    "name": "0005_lease_slots",
    "statements": [
      "DELETE FROM \"cache_leases\" WHERE \"expires_at\" < now() - interval '10 minutes';",
      "ALTER TABLE \"cache_leases\" ADD COLUMN \"cleanup_slot\" integer GENERATED ALWAYS AS (floor(extract(epoch from (expires_at - timestamptz '2000-01-01 00:00:00+00')) / 600)::int) STORED;",
      "CREATE INDEX \"cache_leases_cleanup_slot_idx\" ON \"cache_leases\" USING btree (\"cleanup_slot\");"
    ]
  },
  {
    "name": "0006_plain_slots",
    "statements": [
      "ALTER TABLE \"cache_entries\" ALTER COLUMN \"cleanup_slot\" DROP EXPRESSION IF EXISTS;",
      "ALTER TABLE \"cache_entries\" ALTER COLUMN \"cleanup_slot\" SET DEFAULT 0;",
      "ALTER TABLE \"cache_leases\" ALTER COLUMN \"cleanup_slot\" DROP EXPRESSION IF EXISTS;",
      "ALTER TABLE \"cache_leases\" ALTER COLUMN \"cleanup_slot\" SET DEFAULT 0;"
    ]
  },
  {
    "name": "0007_limit_history",
    "statements": [
      "ALTER TABLE \"cache_history\" ADD COLUMN \"allowed\" bigint DEFAULT 0 NOT NULL;",
      "ALTER TABLE \"cache_history\" ADD COLUMN \"refused\" bigint DEFAULT 0 NOT NULL;"
    ]
  }
]
