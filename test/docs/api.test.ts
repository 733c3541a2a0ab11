/** docs/reference/api.md names every method and option of a cache, and every error. */
import { readFileSync } from 'node:fs'
import * as pgstash from 'pgstash'
import { expect, it } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../docs/reference/${path}`, import.meta.url), 'utf8')
const api = read('api.md')
const reference = read('pgstash.md')

/** The section of an export in the generated reference. */
function sectionOf(name: string): string {
  const [, section = ''] = new RegExp(`^### ${name}\\n(.*?)(?=^##? |^### )`, 'ms').exec(reference) ?? []
  return section
}

it('names every method of a cache', () => {
  const methods = [...sectionOf('Cache').matchAll(/^#### Cache\.(\w+)$/gm)].map((match) => match[1])
  expect(methods.length).toBeGreaterThan(20)
  expect(methods.filter((method) => !api.includes(`\`${method}(`))).toEqual([])
})

it('names every option of createCache', () => {
  const options = [...sectionOf('CacheOptions').matchAll(/^\| `(\w+)\??` \|/gm)].map((match) => match[1])
  expect(options.length).toBeGreaterThan(10)
  expect(options.filter((option) => !api.includes(`| \`${option}\` |`))).toEqual([])
})

it('names every error', () => {
  const errors = Object.keys(pgstash).filter((name) => name.endsWith('Error') && name !== 'CacheError')
  expect(errors.filter((name) => !api.includes(`\`${name}\``))).toEqual([])
})
