import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const page = read('docs/coming-from.md')
/** The systems whose every capability has to be here. */
const COVERED = ['plain.cache', 'The older `Cached` class', 'HyperDjango', 'postgres-cache', 'Orator and cachy']

function sectionOf(title: string): string {
  const [, section = ''] = page.split(`## ${title}\n`)
  return section.split('\n## ')[0] ?? ''
}
const rowsOf = (title: string) =>
  sectionOf(title)
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| theirs'))

describe.each(COVERED)('coming from %s', (title) => {
  it.each(rowsOf(title).map((row) => [row]))('the row names a test that exists: %s', (row) => {
    const [, file = '', name = ''] = /`([a-z0-9/-]+)` “(.+)” \|$/.exec(row) ?? []
    const path = file.startsWith('testing/') ? `src/${file}.ts` : `test/${file}.test.ts`
    // Sources escape quotes.
    expect(read(path).replaceAll("\\'", "'")).toContain(name)
  })
})

it('has a section for each of the others', () => {
  for (const title of [
    'Laravel',
    'Django',
    'Rails Solid Cache',
    'Keyv, cache-manager, bentocache',
    'Upstash Redis',
    'Cloudflare KV',
  ]) {
    expect(rowsOf(title).length).toBeGreaterThan(3)
  }
})
