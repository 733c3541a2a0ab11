/** docs/troubleshooting.md explains every error code. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** The members of a union of string literals in a source file. */
function membersOf(source: string, type: string): string[] {
  const union = new RegExp(`type ${type} =\\s*(?<members>(?:\\s*\\|? ?'\\w+')+)`).exec(source)?.groups?.members ?? ''
  return [...union.matchAll(/'(\w+)'/g)].map((match) => match[1] ?? '')
}

it('explains every error code in one row', () => {
  const codes = membersOf(read('src/values/errors.ts'), 'CacheErrorCode')
  expect(codes.length).toBeGreaterThan(10)
  const rows = [...read('docs/troubleshooting.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1])
  expect(rows.sort()).toEqual(codes.sort())
})
