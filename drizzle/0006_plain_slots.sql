ALTER TABLE "cache_entries" ALTER COLUMN "cleanup_slot" DROP EXPRESSION IF EXISTS;--> statement-breakpoint
ALTER TABLE "cache_entries" ALTER COLUMN "cleanup_slot" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "cache_leases" ALTER COLUMN "cleanup_slot" DROP EXPRESSION IF EXISTS;--> statement-breakpoint
ALTER TABLE "cache_leases" ALTER COLUMN "cleanup_slot" SET DEFAULT 0;
