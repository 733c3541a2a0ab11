// Writes the migrations that drizzle-kit generated into a module, because an edge runtime has no files to read.
// `npm run db:generate` runs it after drizzle-kit; a test fails when the module is out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

export function embed() {
  const journal = JSON.parse(readFileSync(here('./meta/_journal.json'), 'utf8'))
  const migrations = journal.entries.map(({ tag }) => ({
    name: tag,
    statements: readFileSync(here(`./${tag}.sql`), 'utf8')
      .split('--> statement-breakpoint')
      .map((statement) => statement.trim()),
  }))
  return `// Generated from drizzle/ by drizzle/embed.mjs. Do not edit.

export interface Migration {
  readonly name: string
  readonly statements: readonly string[]
}

export const migrations: readonly Migration[] = ${JSON.stringify(migrations, null, 2)}
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(here('../src/migrate/migrations.ts'), embed())
