/** What `pg`, `psql`, the command line, the worker and terminals read by themselves. */
const SETTINGS = /^(?:PG[A-Z]+|DATABASE_URL|NEON_FETCH_ENDPOINT|PORT|NO_COLOR|FORCE_COLOR|COLUMNS|NODE_ENV)$/

/** Removes a developer's own settings, so that tests meet the same environment on every machine. */
export function removeSettings(env: Record<string, string | undefined>): void {
  for (const name of Object.keys(env)) if (SETTINGS.test(name)) delete env[name]
}
