CREATE TABLE "cache_history" (
	"name" text NOT NULL,
	"bucket_at" timestamp with time zone NOT NULL,
	"hits" bigint DEFAULT 0 NOT NULL,
	"misses" bigint DEFAULT 0 NOT NULL,
	"stale" bigint DEFAULT 0 NOT NULL,
	"writes" bigint DEFAULT 0 NOT NULL,
	"deletes" bigint DEFAULT 0 NOT NULL,
	"invalidations" bigint DEFAULT 0 NOT NULL,
	"fills" bigint DEFAULT 0 NOT NULL,
	"fill_ms" double precision DEFAULT 0 NOT NULL,
	"slowest_fill_ms" double precision DEFAULT 0 NOT NULL,
	"cleanups" bigint DEFAULT 0 NOT NULL,
	"removed" bigint DEFAULT 0 NOT NULL,
	"errors" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "cache_history_pk" PRIMARY KEY("name","bucket_at")
);
