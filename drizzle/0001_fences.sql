ALTER TABLE "cache_entries" ADD COLUMN "written_by" "xid8";--> statement-breakpoint
ALTER TABLE "cache_leases" ADD COLUMN "seen" "xid8";