import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { hasTest } from './cited-test.ts'

const PAGE = new URL('../../docs/guides/coming-from.md', import.meta.url)
const page = readFileSync(PAGE, 'utf8')
/** The systems with a table of all their capabilities. */
const COVERED = ['plain.cache', 'The older `Cached` class', 'HyperDjango', 'postgres-cache', 'Orator and cachy']
/** The caches that most readers come from are first. */
const OTHERS = [
  'Upstash Redis',
  'Cloudflare KV',
  'Keyv',
  'Next.js',
  'cache-manager',
  'bentocache',
  'Laravel',
  'Django',
  'Rails Solid Cache',
]

/** The rows of a section, each as its cells. */
function rowsOf(title: string): string[][] {
  const [, section = ''] = page.split(`\n## ${title}\n`)
  const [table = ''] = section.split('\n## ')
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| theirs'))
  const cellsOf = (row: string) => row.slice(1, -1).split(/(?<= )\|(?= )/)
  return rows.map((row) => cellsOf(row).map((cell) => cell.trim()))
}

describe.each(COVERED)('coming from %s', (title) => {
  it.each(rowsOf(title))(
    '%s has a counterpart, and a test proves it',
    (_theirs, here, _differs, test = '', ...rest) => {
      const [, path = '', name = ''] = /^\[[a-z0-9/-]+\]\((\S+)\) “(.+)”$/.exec(test) ?? []
      expect([here !== '', rest, name !== '', hasTest(new URL(path, PAGE), name)]).toEqual([true, [], true, true])
    },
  )
})

describe.each(OTHERS)('coming from %s', (title) => {
  it('covers each operation', () => {
    const rows = rowsOf(title)
    expect(rows.length).toBeGreaterThan(8)
    expect(rows.filter((cells) => cells.length !== 3 || cells[0] === '' || cells[1] === '')).toEqual([])
  })
})

it('coming-from.md has no other section', () => {
  const titles = [...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title)
  expect(titles).toEqual([...OTHERS, ...COVERED])
})

describe('hasTest', () => {
  it('returns false if the file or the name is missing', () => {
    expect(hasTest(new URL(import.meta.url), 'is not found where its file or its name is missing')).toBe(true)
    expect(hasTest(new URL(import.meta.url), `nobody ${'wrote'} this`)).toBe(false)
    expect(hasTest(new URL('no-such.test.ts', import.meta.url), '')).toBe(false)
  })
})
