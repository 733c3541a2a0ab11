/** The generated reference matches the current docstrings. `npm run reference` updates it. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { entryPoints, GENERATED, referencePages } from '../../docs/reference/generate.ts'

const FOLDER = fileURLToPath(new URL('../../docs/reference/', import.meta.url))
const pages = referencePages()

it.each([...pages])('%s is up to date', async (name, text) => {
  await expect(text).toMatchFileSnapshot(`${FOLDER}${name}`)
})

it('each page belongs to an entry point', () => {
  const isGenerated = (name: string) => readFileSync(`${FOLDER}${name}`, 'utf8').includes(GENERATED)
  const written = readdirSync(FOLDER).filter((name) => name.endsWith('.md') && isGenerated(name))
  expect(written.sort()).toEqual(
    entryPoints()
      .map(({ page }) => page)
      .sort(),
  )
})
