/** The input of `pgstash import`: dates, encodings, numbers. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { drizzle } from 'drizzle-orm/node-postgres'
import { build } from 'esbuild'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { expiration } from '../../src/cli/arguments.ts'
import { parseInstant } from '../../src/cli/calendar.ts'
import { parseLine } from '../../src/cli/dump-line.ts'
import { readLines } from '../../src/cli/read-lines.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { run, start } from './command.ts'

const url = await createDatabase()
const db = drizzle(createPool(url))
await migrate(db)
const cache = createCache(db)

const DATES = [
  '2030-02-30',
  '2029-02-29',
  '1900-02-29',
  '2030-04-31',
  '2030-00-10',
  '2030-13-10',
  '2030-01-00',
  '0000-01-01',
]

describe('a date that does not exist', () => {
  it.each(DATES)('%s is not accepted as a deadline', (date) => {
    for (const text of [date, `${date}T00:00:00Z`, `${date} 12:00:00+01:00`]) {
      expect(() => expiration(text)).toThrow('that exists in the calendar')
    }
  })

  it.each(DATES)('%s in an import is refused with its line number', (date) => {
    for (const field of ['expiresAt', 'keptUntil', 'createdAt', 'updatedAt']) {
      const line = JSON.stringify({ key: 'k', [field]: `${date}T00:00:00Z` })
      expect(() => parseLine(line, 7)).toThrow(`Line 7: expected ${field} to be an instant of the calendar`)
    }
  })

  it('is refused by set, touch, increment and import, with exit code 2', async () => {
    const environment = { DATABASE_URL: url }
    for (const args of [
      ['set', 'k', '1', '--expiration', '2030-02-30'],
      ['touch', 'k', '2030-02-30T00:00:00Z'],
      ['increment', 'k', '--expiration', '0000-01-01'],
    ]) {
      expect(await run(args, environment)).toMatchObject({ code: 2, out: '', err: expect.stringContaining('calendar') })
    }
    const lines = '{"key":"k"}\n{"key":"l","expiresAt":"2030-02-30T00:00:00Z"}\n'
    expect(await run(['import'], environment, lines)).toMatchObject({
      code: 2,
      err: expect.stringContaining('Line 2: expected expiresAt to be an instant'),
    })
    expect(await cache.count()).toBe(0)
  })

  it('refuses an hour that daylight saving skips', async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `import { parseInstant } from './calendar.ts'
          console.log(['2030-03-31T02:30:00', '2030-03-31T03:30:00', '2030-03-31T02:30:00Z'].map((text) => parseInstant(text)?.toISOString()))`,
        resolveDir: fileURLToPath(new URL('../../src/cli/', import.meta.url)),
      },
      bundle: true,
      platform: 'node',
      write: false,
    })
    const env = { ...process.env, TZ: 'Europe/Berlin' }
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', outputFiles[0]?.text ?? ''], { env })
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      `[ undefined, '2030-03-31T01:30:00.000Z', '2030-03-31T02:30:00.000Z' ]`,
    )
  })

  it.each([
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
    ['2000-02-29T23:59:59.123456Z', '2000-02-29T23:59:59.123Z'],
    ['2030-12-31 24:00:00Z', '2031-01-01T00:00:00.000Z'],
    ['2030-01-01T00:00:00+0530', '2029-12-31T18:30:00.000Z'],
    ['0001-01-01T00:00Z', '0001-01-01T00:00:00.000Z'],
  ])('%s is accepted', (text, instant) => {
    expect(parseInstant(text)?.toISOString()).toBe(instant)
  })

  it.each(['2030-1-1', '2030-01-01T', '2030-01-01T25:00:00Z', '2030-01-01T00:60:00Z', 'Jan 1 2030'])(
    '%s is refused',
    (text) => {
      expect(parseInstant(text)).toBe(undefined)
    },
  )
})

describe('an import', () => {
  const LINES = '{"key":"a","number":"1"}\n{"key":"ü","value":"\\"𝒳\\""}\n'
  const BOM = '\uFEFF'
  const encodings: [string, Buffer][] = [
    ['UTF-8 with a byte order mark', Buffer.from(BOM + LINES)],
    ['UTF-8 with a byte order mark in each file that was joined', Buffer.from(BOM + LINES.replace('\n', `\n${BOM}`))],
    ['UTF-16, as PowerShell writes it', Buffer.from(BOM + LINES.replaceAll('\n', '\r\n'), 'utf16le')],
    ['UTF-16 in the other byte order', Buffer.from(BOM + LINES, 'utf16le').swap16()],
    ['UTF-8 without a final line break', Buffer.from(LINES.trimEnd())],
  ]

  it.each(encodings)('reads %s', async (_name, bytes) => {
    await cache.clear()
    const { child, said, ended } = start(['import'], { DATABASE_URL: url }, bytes)
    expect([await ended, said.out, child.killed]).toEqual([0, 'Imported 2 entries.\n', false])
    expect(await cache.getMany(['a', 'ü'])).toEqual(
      new Map<string, unknown>([
        ['a', 1],
        ['ü', '𝒳'],
      ]),
    )
  })

  it.each(encodings)('reads %s, byte by byte', async (_name, bytes) => {
    async function* bytewise() {
      for (const byte of bytes) yield Uint8Array.of(byte)
    }
    const keys: string[] = []
    for await (const line of readLines(bytewise())) keys.push(JSON.parse(line).key)
    expect(keys).toEqual(['a', 'ü'])
  })

  it.each([1, 3, 1_000])('names the line that is not UTF-8, in chunks of %i bytes', async (size) => {
    const bytes = Buffer.from('{"key":"€€"}\n{"key":"\u00e9"}\n{"key":"x?"}\n')
    bytes[bytes.indexOf('?')] = 0xff
    async function* chunked() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    }
    const read = async () => {
      for await (const line of readLines(chunked())) JSON.parse(line)
    }
    await expect(read()).rejects.toThrow('Line 3: expected text in UTF-8.')
  })

  it.each([
    ['a number that JavaScript cannot read', '{"key":"k","number":"1e400"}'],
    ['a number that JavaScript reads as 0', '{"key":"k","number":"1e-400"}'],
    ['a number with more digits than Postgres keeps', `{"key":"k","number":"0.${'1'.repeat(16_384)}"}`],
    ['an infinite duration', '{"key":"k","computeMs":1e400}'],
    ['a snapshot that ends before it begins', '{"key":"k","filledAt":"5:3:","tags":["t"]}'],
    ['a snapshot of transactions out of order', '{"key":"k","filledAt":"5:9:7,6","tags":["t"]}'],
    ['a snapshot beyond 64 bits', '{"key":"k","filledAt":"5:9223372036854775808:","tags":["t"]}'],
  ])('refuses %s with its line number', async (_name, line) => {
    await cache.clear()
    const { code, out, err } = await run(['import'], { DATABASE_URL: url }, `{"key":"first"}\n${line}\n`)
    expect([code, out, err]).toEqual([
      2,
      '',
      expect.stringMatching(/^pgstash: Line 2: expected (number|computeMs|filledAt) to be/),
    ])
    expect(await cache.count()).toBe(0)
  })

  it('accepts every number that Postgres has, and every snapshot', async () => {
    await cache.clear()
    const lines = [
      '{"key":"zero","number":"0e999999999"}',
      '{"key":"exponent","number":"1E5"}',
      '{"key":"digits","number":"-9007199254740993.10"}',
      '{"key":"tagged","number":"1","filledAt":"1:3:1,2","tags":["t"]}',
    ]
    expect((await run(['import'], { DATABASE_URL: url }, lines.join('\n'))).out).toBe('Imported 4 entries.\n')
    const { rows } = await createPool(url).query('select key, number::text from cache_entries order by key')
    expect(rows).toMatchObject([
      { key: 'digits', number: '-9007199254740993.10' },
      { key: 'exponent', number: '100000' },
      { key: 'tagged' },
      { key: 'zero', number: '0' },
    ])
  })
})

it('set refuses standard input that is not UTF-8, and accepts a byte order mark', async () => {
  const set = (bytes: Buffer) => start(['set', 'k', '-'], { DATABASE_URL: url }, bytes)
  expect(await set(Buffer.from([0x22, 0xff, 0x22])).ended).toBe(2)
  expect(await set(Buffer.from('\uFEFF"x"')).ended).toBe(0)
  expect(await cache.get('k')).toBe('x')
})
