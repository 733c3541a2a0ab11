/** The help of every command and option, and the suggestions for unknown ones. */
import { describe, expect, it } from 'vitest'
import { program } from '../../src/cli/program.ts'
import { suggestCommands } from '../../src/cli/suggest.ts'
import { run } from './command.ts'

const MOST_CHARACTERS = 60
/** An imperative: a verb in its base form, in lower case, or "with --flag, verb". */
const VERBS =
  'add build check clear compress count create delete do drop export fill find get import install invalidate keep list listen ' +
  'load log make manage migrate name pad pause print put read remove repeat run schedule seed send set skip start stop ' +
  'store touch unwatch use vacuum watch wrap write exit'

const commands = [...program.commands]
const names = commands.map((command) => command.name())
const options = commands.flatMap((command) =>
  command.options.filter(({ hidden }) => !hidden).map((option) => ({ command: command.name(), option })),
)

/** The text that the command prints for `--help`, the part of `addHelpText` included. */
function helpOf(name: string): string {
  let text = ''
  const command = commands.find((each) => each.name() === name)
  command
    ?.configureOutput({
      writeOut: (part) => {
        text += part
      },
    })
    .outputHelp()
  return text
}

/** Removes a letter from the middle: `--expiation`. */
const misspelled = (name: string) =>
  name.slice(0, Math.ceil(name.length / 2)) + name.slice(Math.ceil(name.length / 2) + 1)

/** Runs the program in this process up to the error of Commander, and returns what it prints. */
async function errorOf(args: string[]): Promise<string> {
  let text = ''
  const writeErr = (part: string) => {
    text += part
  }
  for (const command of [program, ...commands]) command.configureOutput({ writeErr })
  await expect(program.parseAsync(args, { from: 'user' })).rejects.toMatchObject({ exitCode: 1 })
  return text
}

describe('help', () => {
  it('describes each command, argument and option in under 60 characters', () => {
    expect(names.length).toBeGreaterThan(15)
    const texts = [
      ...commands.map((command) => command.description()),
      ...commands.flatMap((command) => command.registeredArguments.map(({ description }) => description)),
      ...options.map(({ option }) => option.description),
    ]
    expect(texts.filter((text) => text === '' || text.length >= MOST_CHARACTERS)).toEqual([])
  })

  it('starts each description of a command or option with an imperative', () => {
    const texts = [
      ...commands.map((command) => command.description()),
      ...options.map(({ option }) => option.description),
    ]
    const verbs = new Set(VERBS.split(' '))
    const isImperative = (text: string) =>
      verbs.has(text.replace(/^(?:with --\w+, |do not )/, '').split(/,? /)[0] ?? '')
    expect(texts.filter((text) => !isImperative(text))).toEqual([])
  })

  it.each(names)('shows an example of %s', (name) => {
    expect(helpOf(name)).toMatch(new RegExp(`\\nExamples:\\n(?: {2}\\$ .+\\n)*? {2}\\$ (?:.*\\| )?pgstash ${name}\\b`))
  })

  it('appears if the command has no arguments', async () => {
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

  it.each(names)('suggests %s if one letter is missing', async (name) => {
    const typed = misspelled(name)
    const suggested = suggestCommands(typed, names)
    const text = suggested.length > 0 ? suggested.join(' ') : await errorOf([typed])
    expect(text).toContain(name)
  })

  it.each([[['xyzzy', '--help']], [['xyzzy', '-h']], [['help', 'xyzzy']]])(
    'is an error beside a request for help too: %j',
    async (args) => {
      const { code, out, err } = await run(args)
      expect({ code, out, err }).toEqual({
        code: 2,
        out: '',
        err: "error: unknown command 'xyzzy'\n(add --help for commands and options)\n",
      })
    },
  )

  it('points to --help if nothing is similar', async () => {
    expect((await run(['xyzzy'])).err).toBe("error: unknown command 'xyzzy'\n(add --help for commands and options)\n")
  })

  it('is not suggested for a command that exists', () => {
    expect(
      names.filter((name) => suggestCommands(name, names)[0] !== name && suggestCommands(name, names).length === 1),
    ).toEqual([])
  })
})

describe('an unknown option', () => {
  it.each(names)('is reported for %s with the right option if one letter is missing', async (name) => {
    for (const { command, option } of options) {
      if (command !== name || option.long === undefined || option.long === null) continue
      const typed = misspelled(option.long)
      // `--tag` is one letter short of `--tags`, and an option itself.
      if (options.some((other) => other.command === name && other.option.long === typed)) continue
      expect(await errorOf([name, typed])).toContain(option.long)
    }
  })

  it('points to --help if nothing is similar', async () => {
    expect((await run(['get', '--xyzzy'])).err).toBe(
      "error: unknown option '--xyzzy'\n(add --help for commands and options)\n",
    )
  })
})

describe('an option', () => {
  it('refuses --prefix for tables and names the right option', async () => {
    const others = commands.filter((command) => command.name() !== 'list' && command.name() !== 'dev')
    const refusing = others.filter((command) =>
      command.options.some(({ long, hidden }) => long === '--prefix' && hidden),
    )
    expect(refusing).toEqual(others)
    expect(await run(['migrate', '--print-sql', '--prefix', 'a_'])).toEqual({
      code: 2,
      out: '',
      err: 'pgstash: Expected --table-prefix for table names: --prefix selects keys, in `pgstash list` only.\n',
    })
  })

  it('keeps its description in all commands, except for the default', () => {
    const meanings = new Map<string, Set<string>>()
    for (const { option } of options) {
      const meaning = option.description.replace(/; default: .*$/, '')
      meanings.set(option.flags, (meanings.get(option.flags) ?? new Set()).add(meaning))
    }
    expect([...meanings].filter(([, texts]) => texts.size > 1)).toEqual([])
  })

  it('takes the same form of value in all commands', () => {
    const flags = new Map<string, Set<string>>()
    for (const { option } of options)
      flags.set(option.long ?? '', (flags.get(option.long ?? '') ?? new Set()).add(option.flags))
    expect([...flags].filter(([, forms]) => forms.size > 1)).toEqual([])
  })
})

describe('a span argument', () => {
  it.each([
    ['clear-expired', '--time-budget', 'soon'],
    ['stats', '--every', '5x'],
    ['load', '--duration', '-1'],
  ])('for %s %s means seconds, or has a unit', async (command, option, wrong) => {
    const { code, err } = await run([command, option, wrong])
    expect([code, err]).toEqual([
      2,
      expect.stringContaining('Expected seconds such as 90, or a span such as 90s or 5m.'),
    ])
  })
})
