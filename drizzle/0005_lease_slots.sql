DELETE FROM "cache_leases" WHERE "expires_at" < now() - interval '10 minutes';--> statement-breakpoint
ALTER TABLE "cache_leases" ADD COLUMN "cleanup_slot" integer GENERATED ALWAYS AS (floor(extract(epoch from (expires_at - timestamptz '2000-01-01 00:00:00+00')) / 600)::int) STORED;--> statement-breakpoint
CREATE INDEX "cache_leases_cleanup_slot_idx" ON "cache_leases" USING btree ("cleanup_slot");