ALTER TABLE "cache_history" ADD COLUMN "allowed" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "cache_history" ADD COLUMN "refused" bigint DEFAULT 0 NOT NULL;