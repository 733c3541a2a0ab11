/** Environment variables that `pg`, `psql`, the command line, the worker and terminals read. */
const SETTINGS =
  /^(?:PG[A-Z]+|[A-Z_]*DATABASE_URL|POSTGRES_URL|NETLIFY_DB_URL|SUPABASE_DB_URL|HYPERDRIVE|NEON_FETCH_ENDPOINT|PORT|NO_COLOR|FORCE_COLOR|COLUMNS|NODE_ENV)$/

/** Removes a developer's own settings, so that tests meet the same environment on every machine. */
export function removeSettings(env: Record<string, string | undefined>): void {
  for (const name of Object.keys(env)) if (SETTINGS.test(name)) delete env[name]
}
