import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { suggestCommands } from '../../src/cli/suggest.ts'
import { run } from './command.ts'

const MOST_CHARACTERS = 60
const FOLDER = new URL('../../src/cli/', import.meta.url)

async function allCommands(): Promise<Command[]> {
  const files = readdirSync(fileURLToPath(FOLDER)).filter(
    (name) => /\.ts$/.test(name) && !/^(index|load-process)\.ts$/.test(name),
  )
  const modules = await Promise.all(files.map((name) => import(new URL(name, FOLDER).href)))
  return modules.flatMap((module) => Object.values(module)).filter((value) => value instanceof Command)
}
const commands = await allCommands()
const names = commands.map((command) => command.name())

describe('help', () => {
  it('describes each command, argument and option in less than 60 characters', () => {
    expect(names.length).toBeGreaterThan(15)
    const parts = commands.flatMap((command) => [command, ...command.options.filter(({ hidden }) => !hidden)])
    const texts = parts.map((part) => (part instanceof Command ? part.description() : part.description))
    expect(texts.filter((text) => text === '' || text.length >= MOST_CHARACTERS)).toEqual([])
  })

  it('is printed by the command without arguments', async () => {
    const { code, out, err } = await run([])
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('$ pgstash dev ')
    expect(err).toContain('Exit codes:')
  })
})

describe('an unknown command', () => {
  it.each([
    ['del', 'delete'],
    ['inc', 'increment'],
    ['do', 'doctor'],
    ['ls', 'list'],
    ['keys', 'list'],
    ['rm', 'delete'],
    ['flush', 'clear-all'],
    ['gc', 'clear-expired'],
    ['start', 'dev'],
    ['init', 'migrate'],
    ['DEL', 'delete'],
  ])('%s suggests %s', async (typed, meant) => {
    expect(suggestCommands(typed, names)).toEqual([meant])
  })

  it.each([
    ['clear', ['clear-all', 'clear-expired']],
    ['purge', ['clear-all', 'invalidate']],
    ['de', ['delete', 'dev']],
  ])('%s suggests each command that it may mean', (typed, meant) => {
    expect(suggestCommands(typed, names).sort()).toEqual(meant)
  })

  it('is reported in one line, also for a misspelling', async () => {
    expect(await run(['del', 'key'])).toEqual({
      code: 2,
      out: '',
      err: "pgstash: unknown command 'del'. Did you mean delete?\n",
    })
    expect((await run(['stts'])).err).toContain('Did you mean stats?')
  })

  it('never has the name of an existing one', () => {
    expect(
      names.filter((name) => suggestCommands(name, names)[0] !== name && suggestCommands(name, names).length === 1),
    ).toEqual([])
  })
})

describe('an option has one meaning', () => {
  it('so --prefix, which selects keys in list, is refused for tables with the right name', async () => {
    const others = commands.filter((command) => command.name() !== 'list' && command.name() !== 'dev')
    const refusing = others.filter((command) =>
      command.options.some(({ long, hidden }) => long === '--prefix' && hidden),
    )
    expect(refusing).toEqual(others)
    expect(await run(['migrate', '--print-sql', '--prefix', 'a_'])).toEqual({
      code: 2,
      out: '',
      err: 'pgstash: Expected --table-prefix for the names of tables: --prefix selects keys, in `pgstash list` only.\n',
    })
  })

  it('in all commands that have it', () => {
    const meanings = new Map<string, Set<string>>()
    for (const { long, description, hidden } of commands.flatMap(({ options }) => options)) {
      if (long && !hidden) meanings.set(long, (meanings.get(long) ?? new Set()).add(description))
    }
    // Each command describes its use there, but the meaning is the same: JSON, the statement, a batch, a database, a
    // deadline.
    const varied = ['--json', '--print-sql', '--batch', '--database-url', '--expiration']
    const several = [...meanings].filter(([, texts]) => texts.size > 1).map(([name]) => name)
    expect(several.filter((name) => !varied.includes(name))).toEqual([])
  })
})

describe('a span argument', () => {
  it.each([
    ['clear-expired', '--time-budget', 'soon'],
    ['stats', '--every', '5x'],
    ['load', '--duration', '-1'],
  ])('of %s %s means seconds, or has a unit', async (command, option, wrong) => {
    const { code, err } = await run([command, option, wrong])
    expect([code, err]).toEqual([
      2,
      expect.stringContaining('Expected seconds such as 90, or a span such as 90s or 5m.'),
    ])
  })
})
