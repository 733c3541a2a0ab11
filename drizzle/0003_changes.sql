CREATE TABLE "cache_changes" (
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"kind" text NOT NULL,
	"name" text collate "C" NOT NULL,
	CONSTRAINT "cache_changes_pk" PRIMARY KEY("xid","kind","name")
);
