CREATE TABLE "cache_entries" (
	"key" text collate "C" PRIMARY KEY NOT NULL,
	"value" text,
	"number" numeric,
	"expires_at" timestamp with time zone,
	"kept_until" timestamp with time zone,
	"cleanup_slot" integer GENERATED ALWAYS AS (floor(extract(epoch from (kept_until - timestamptz '2000-01-01 00:00:00+00')) / 600)::int) STORED,
	"tags" text[],
	"filled_at" "pg_snapshot",
	"compute_ms" double precision,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cache_invalidations" (
	"tag" text collate "C" NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "cache_invalidations_tag_xid_pk" PRIMARY KEY("tag","xid")
);
--> statement-breakpoint
CREATE TABLE "cache_leases" (
	"key" text collate "C" PRIMARY KEY NOT NULL,
	"token" text,
	"claimed_at" "pg_snapshot",
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cache_state" (
	"name" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "cache_entries_cleanup_slot_idx" ON "cache_entries" USING btree ("cleanup_slot");