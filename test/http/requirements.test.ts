import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { hasTest } from '../docs/cited-test.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const table = read('../../docs/internals/http-rfc9111.md')

/** `file` “name”, “name”: the format in which the table cites tests. */
const CITATIONS = [
  ...table.matchAll(/`((?:hono\/core\/|response-cache\/)?[a-z0-9-]+)` (“[^”]+”(?:, “[^”]+”)*)/g),
].flatMap(([, file = '', names = '']) =>
  [...names.matchAll(/“([^”]+)”/g)].map(([, name = '']) => [file, name] as const),
)

describe('the table of requirements', () => {
  it.each(CITATIONS)('cites a test of %s that exists: %s', (file, name) => {
    const path = file.includes('/') ? `../${file}` : file
    expect(hasTest(new URL(`${path}.test.ts`, import.meta.url), name)).toBe(true)
  })

  it('cites every file of rules, and gives a proof or a reason in every row', () => {
    const files = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.test.ts'))
    const unproved = ['fields', 'entity-tag', 'parse-once', 'requirements']
    const cited = new Set(CITATIONS.map(([file]) => `${file}.test.ts`))
    expect(files.filter((name) => !cited.has(name)).sort()).toEqual(unproved.map((name) => `${name}.test.ts`).sort())
    for (const row of table.split('\n').filter((line) => /^\| \d/.test(line))) {
      expect(/“|cannot apply|the rows below/.test(row), row).toBe(true)
    }
  })
})
