import { expect, it } from 'vitest'
import { checkFile } from './check.mjs'

/** Each finding as its line and rule. */
function faults(path: string, ...lines: string[]): string[] {
  return checkFile(path, lines.join('\n')).findings.map(({ line, rule }) => `${line}: ${rule}`)
}

const OF = 'begins with "Of" and is no question'
const WHAT = 'begins with "What" and is no question'
const LONG = `${'word '.repeat(36).trim()}.`
const TOO_LONG = 'has 36 words, and may have 35'

it('finds sentences that begin with a clause in place of their subject', () => {
  for (const opener of ['What', 'Who', 'Whoever', 'Whatever', 'Whose', 'Of']) {
    expect(faults('a.md', `Fine. ${opener} it takes stays.`)).toEqual([`1: begins with "${opener}" and is no question`])
  }
  expect(faults('a.md', 'To one that waits, the lease says so.')).toEqual(['1: begins with "To" and is no question'])
})

it('allows questions, and the same words inside a sentence', () => {
  expect(faults('a.md', 'What does a hit cost? Who waits?', '', 'It says what it costs, and of whom.')).toEqual([])
  expect(faults('a.md', "What's new", '', 'Office hours')).toEqual([])
})

it('finds a possessive without a noun', () => {
  expect(faults('a.md', "The lease may be another's.", '', 'It removes others’.')).toEqual([
    `1: "another's" has no noun`,
    '3: "others’" has no noun',
  ])
  expect(faults('a.md', "It takes another's place, and the other's lease.")).toEqual([])
})

it('counts the words of a sentence, code as one and links by their text', () => {
  expect(faults('a.md', LONG)).toEqual([`1: ${TOO_LONG}`])
  expect(faults('a.md', LONG.replace('word ', ''))).toEqual([])
  expect(faults('a.md', `${'word '.repeat(33)} \`a b c d e\` [one](two three four).`)).toEqual([])
  expect(faults('a.md', `${'word '.repeat(20)}, e.g. This. ${'word '.repeat(20)}.`)).toEqual([
    `1: has 42 words, and may have 35`,
  ])
})

it('reads comments and docstrings of scripts, but no code, examples or directives', () => {
  expect(
    faults(
      'a.ts',
      'const s = "// What is no comment" // Of a line',
      '/**',
      ' * Fine.',
      ' *',
      ' * What is not.',
      ' * @param name of it',
      ' * @example',
      ' * What(example)',
      ' */',
      '// One comment on two',
      '// lines. What it says.',
      'const r = /[/*] What/ // biome-ignore lint/a: What',
      'const t = `// What`',
    ),
  ).toEqual([`1: ${OF}`, `5: ${WHAT}`, '6: begins with "of" and is no question', `11: ${WHAT}`, `12: ${WHAT}`])
})

it('reads names of tests, messages of errors, and texts of the CLI', () => {
  expect(
    faults(
      'a.test.ts',
      "it('what it does', () => {})",
      "describe.each([1])('of %s', () => {})",
      'it.skipIf(true)(`what it does`, () => {})',
      "throw new OptionError('What is wrong.')",
      "command.description('What it shows').option('-a', 'Of all')",
      "console.log('What nobody checks')",
    ).map((fault) => fault.split(':')[0]),
  ).toEqual(['1', '2', '3', '4', '5', '5'])
})

it('reads headings, items and cells of documents, but no code', () => {
  expect(
    faults(
      'a.md',
      '# What it is',
      '',
      '- Of items',
      '',
      '| a | What b |',
      '|---|---|',
      '',
      '```sh',
      'What code',
      '```',
      '<!-- What -->',
    ),
  ).toEqual([`1: ${WHAT}`, `3: ${OF}`, `5: ${WHAT}`])
})

it('reads comments of SQL, shell scripts and settings', () => {
  expect(faults('a.sql', '-- What', 'select 1;')).toEqual([`1: ${WHAT}`])
  expect(faults('.ci/run', '#!/bin/bash', '# Of it', 'x=1 # What')).toEqual([`2: ${OF}`])
  expect(faults('wrangler.toml', '# Fine', '', '# What')).toEqual([`3: ${WHAT}`])
})

it('judges each item of a list on its own', () => {
  const half = 'word '.repeat(20).trim()
  expect(faults('a.ts', '/**', ` * - ${half}`, ` * - ${half}`, ' */')).toEqual([])
  expect(faults('a.md', `- ${half}`, `- ${half}`)).toEqual([])
})
