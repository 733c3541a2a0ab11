/** The directories of the source, and the imports between them. */
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url))
const IMPORT = /(?:from|import\()\s*'(\.[^']+)'/g

/** A file at the top counts as its own directory. */
function directoryOf(file: string): string {
  return relative(SOURCE, file).split(sep)[0] ?? ''
}

async function importsBetweenDirectories(): Promise<Map<string, Set<string>>> {
  const imports = new Map<string, Set<string>>()
  for (const entry of await readdir(SOURCE, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue
    const file = join(entry.parentPath, entry.name)
    const from = directoryOf(file)
    for (const [, path = ''] of (await readFile(file, 'utf8')).matchAll(IMPORT)) {
      const to = directoryOf(resolve(dirname(file), path))
      if (to !== from) imports.set(from, (imports.get(from) ?? new Set()).add(to))
    }
  }
  return imports
}

/** A path from a directory back to itself. */
function cycleFrom(start: string, imports: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const queue = [[start]]
  const seen = new Set<string>()
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const to of imports.get(path.at(-1) ?? '') ?? []) {
      if (to === start) return [...path, to]
      if (!seen.has(to)) queue.push([...path, to])
      seen.add(to)
    }
  }
  return undefined
}

it('directories import each other in one direction only', async () => {
  const imports = await importsBetweenDirectories()
  expect(imports.size).toBeGreaterThan(15)
  expect([...imports.keys()].map((directory) => cycleFrom(directory, imports)).filter(Boolean)).toEqual([])
})

it('the check finds a cycle', () => {
  const imports = new Map([
    ['a', new Set(['b'])],
    ['b', new Set(['c'])],
    ['c', new Set(['a', 'd'])],
  ])
  expect(cycleFrom('a', imports)).toEqual(['a', 'b', 'c', 'a'])
  expect(cycleFrom('d', imports)).toBe(undefined)
})
