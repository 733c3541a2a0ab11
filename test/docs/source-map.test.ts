/** The maps of source folders and columns are complete. */
import { readdirSync, readFileSync } from 'node:fs'
import { getTableColumns } from 'drizzle-orm'
import { cacheChanges, cacheEntries, cacheInvalidations, cacheLeases, cacheState } from 'pgstash/schema'
import { expect, it } from 'vitest'

const at = (path: string) => new URL(`../../${path}`, import.meta.url)

it('CONTRIBUTING.md and design.md name every source folder', () => {
  const folders = readdirSync(at('src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const missingIn = (path: string, form: (folder: string) => string) => {
    const text = readFileSync(at(path), 'utf8')
    return folders.map(({ name }) => name).filter((name) => !text.includes(form(name)))
  }
  expect(missingIn('CONTRIBUTING.md', (folder) => `\`src/${folder}/\``)).toEqual([])
  expect(missingIn('docs/internals/design.md', (folder) => `\`${folder}\``)).toEqual([])
})

it('design.md names every column', () => {
  const text = readFileSync(at('docs/internals/design.md'), 'utf8')
  const tables = [cacheEntries, cacheLeases, cacheInvalidations, cacheState, cacheChanges]
  const columns = tables.flatMap((table) => Object.values(getTableColumns(table)).map(({ name }) => name))
  expect(columns.filter((column) => !text.includes(`\`${column}\``))).toEqual([])
})
