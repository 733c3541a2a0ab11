/** Links between the docs resolve. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TOP = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'bench/README.md', 'docs/llms.txt']
const PAGES = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`)

const LINK = /\]\((?<path>[^)\s#]*)(?:#(?<anchor>[^)\s]*))?\)/g
const CODE = /^(`{3,}|~{3,})[\s\S]*?^\1/gm

/** The anchor that GitHub gives to a heading. */
function anchorOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
  return text
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-')
}

function anchorsOf(document: string): Set<string> {
  const text = readFileSync(join(ROOT, document), 'utf8').replaceAll(CODE, '')
  return new Set([...text.matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1] ?? '')))
}

function brokenLinks(document: string): string[] {
  const text = readFileSync(join(ROOT, document), 'utf8')
    .replaceAll(CODE, '')
    .replaceAll(/`[^`\n]*`/g, '')
  const broken: string[] = []
  for (const { groups } of text.matchAll(LINK)) {
    const { path = '', anchor } = groups ?? {}
    if (/^[a-z]+:/.test(path)) continue
    const target = path === '' ? document : normalize(join(dirname(document), path))
    const isThere = existsSync(join(ROOT, target))
    const leads = isThere && (anchor === undefined || !target.endsWith('.md') || anchorsOf(target).has(anchor))
    if (!leads) broken.push(anchor === undefined ? path : `${path}#${anchor}`)
  }
  return broken
}

it.each([...TOP, ...PAGES])('%s has no broken links', (document) => {
  expect(brokenLinks(document)).toEqual([])
})
