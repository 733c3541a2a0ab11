/** docs/llms.txt has the form of llmstxt.org, and names every page that readers need. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url))
const lines = readFileSync(`${DOCS}llms.txt`, 'utf8').split('\n')

it('begins with the name and a summary', () => {
  expect(lines[0]).toBe('# pgstash')
  expect(lines[2]).toMatch(/^> \S/)
})

it('has one link and one line of text for each item of a section', () => {
  const items = lines.slice(lines.findIndex((line) => line.startsWith('## '))).filter((line) => line.startsWith('- '))
  expect(items.length).toBeGreaterThan(20)
  expect(items.filter((item) => !/^- \[[^\]]+\]\([^)]+\.md\): \S/.test(item))).toEqual([])
})

it('names every page', () => {
  const pages = readdirSync(DOCS, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
  const named = new Set(lines.flatMap((line) => [...line.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1])))
  expect(pages.filter((page) => page !== 'README.md' && !named.has(page))).toEqual([])
})
