/** The commands that read and change single entries. */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { CLI, createSite, inTerminal, run, start, WAYS } from './command.ts'

async function query(url: string, text: string, values: unknown[] = []) {
  const client = new pg.Client(url)
  await client.connect()
  const { rows } = await client.query(text, values)
  await client.end()
  return rows
}

describe.each(WAYS)('commands on entries, %s', (way) => {
  it('store a value, print it as JSON, and report a miss by the exit code', async () => {
    const { pgstash } = await createSite(way)
    expect(await pgstash(['get', 'user:42'])).toMatchObject({ code: 1, out: '' })
    expect(await pgstash(['set', 'user:42', '{"name":"Ada"}'])).toEqual({ code: 0, out: 'Stored.\n', err: '' })
    expect(await pgstash(['get', 'user:42'])).toEqual({ code: 0, out: '{"name":"Ada"}\n', err: '' })
    await pgstash(['set', 'nothing', 'null'])
    expect(await pgstash(['get', 'nothing'])).toMatchObject({ code: 0, out: 'null\n' })
    await pgstash(['set', 'text', '-'], JSON.stringify('from standard input'))
    expect((await pgstash(['get', 'text'])).out).toBe('"from standard input"\n')
    expect((await pgstash(['get', '--raw', 'text'])).out).toBe('"from standard input"\n')
  })

  it('keep namespaces apart, including nested ones', async () => {
    const { pgstash, url } = await createSite(way)
    await pgstash(['set', 'key', '1', '--namespace', 'shop'])
    await pgstash(['set', 'key', '2', '--namespace', 'shop', '--namespace', 'eu|de'])
    expect((await pgstash(['get', 'key'])).code).toBe(1)
    expect((await pgstash(['get', 'key', '--namespace', 'shop'])).out).toBe('1\n')
    expect((await pgstash(['get', 'key', '--namespace', 'shop', '--namespace', 'eu|de'])).out).toBe('2\n')
    const keys = await query(url, 'select key from cache_entries order by key')
    expect(keys.map(({ key }) => key)).toEqual([String.raw`shop|eu\|de|key`, 'shop|key'])
  })

  it('accept deadlines in every form, and tags', async () => {
    const { pgstash, url } = await createSite(way)
    const left = async (key: string) => {
      const [row] = await query(
        url,
        'select round(extract(epoch from expires_at - updated_at))::int as left from cache_entries where key = $1',
        [key],
      )
      return row?.left
    }
    await pgstash(['set', 'a', '1', '--expiration', '10m', '--tags', 'x, y', '--tag', 'a,b'])
    await pgstash(['set', 'b', '1', '--expiration', '90'])
    await pgstash(['set', 'c', '1', '--expiration', '2100-01-01T00:00:00Z'])
    expect([await left('a'), await left('b')]).toEqual([600, 90])
    const [a, c] = await query(url, "select tags, expires_at from cache_entries where key in ('a', 'c') order by key")
    expect([a.tags, c.expires_at.toISOString()]).toEqual([['x', 'y', 'a,b'], '2100-01-01T00:00:00.000Z'])
    expect(await pgstash(['touch', 'a', 'never'])).toEqual({ code: 0, out: 'Touched.\n', err: '' })
    expect(await left('a')).toBe(null)
    expect((await pgstash(['touch', 'b', '--expiration', '1h'])).code).toBe(0)
    expect((await pgstash(['touch', 'missing', '1h'])).code).toBe(1)
    expect(await pgstash(['invalidate', 'y'])).toEqual({ code: 0, out: 'Invalidated 1 tag.\n', err: '' })
    expect((await pgstash(['get', 'a'])).code).toBe(1)
  })

  it('count, also below zero', async () => {
    const { pgstash } = await createSite(way)
    expect((await pgstash(['increment', 'n'])).out).toBe('1\n')
    expect((await pgstash(['increment', 'n', '2.5'])).out).toBe('3.5\n')
    expect((await pgstash(['increment', 'n', '--by', '-4'])).out).toBe('-0.5\n')
    expect((await pgstash(['increment', 'n', '-1'])).out).toBe('-1.5\n')
    await pgstash(['set', 'text', '"x"'])
    expect(await pgstash(['increment', 'text'])).toMatchObject({ code: 3, err: expect.stringContaining('a number') })
  })

  it('delete keys, and report by the exit code that there were none', async () => {
    const { pgstash } = await createSite(way)
    await pgstash(['set', 'a', '1'])
    await pgstash(['set', '-b', '1']).then(({ code }) => expect(code).toBe(2))
    await pgstash(['set', '--', '-b', '1'])
    expect(await pgstash(['delete', 'a', 'c', '--', '-b'])).toEqual({ code: 0, out: 'Deleted 2 entries.\n', err: '' })
    expect(await pgstash(['delete', 'a'])).toEqual({ code: 1, out: 'Deleted 0 entries.\n', err: '' })
  })

  it('list entries by prefix and state, page by page, and as JSON', async () => {
    const { pgstash, url } = await createSite(way)
    await query(
      url,
      `insert into cache_entries (key, number) select 'n' || lpad(i::text, 5, '0'), i from generate_series(1, 2500) as i`,
    )
    await pgstash(['set', 'user:1', '1', '--expiration', '2100-01-01T00:00:00Z', '--tags', 'a,b'])
    await pgstash(['set', 'user:2', '1'])
    await pgstash(['set', 'user:3', '1', '--expiration', '0'])
    const { out } = await pgstash(['list'])
    expect(out.split('\n').length - 1).toBe(2503)
    const all = JSON.parse((await pgstash(['list', '--json'])).out)
    expect(all.length).toBe(2503)
    expect((await pgstash(['list', '--prefix', 'user:', '--state', 'live'])).out).toMatch(
      /^2100-01-01T00:00:00\.000Z +\d+ bytes {2}user:1 {2}\[a, b\]\nnever +\d+ bytes {2}user:2\n$/,
    )
    const expired = JSON.parse((await pgstash(['list', '--json', '--state', 'expired'])).out)
    expect(expired).toMatchObject([{ key: 'user:3', namespace: [], tags: [] }])
    expect((await pgstash(['list', '--limit', '1'])).out.split('\n').length).toBe(2)
    expect((await pgstash(['list', '--json', '--prefix', 'none'])).out).toBe('[]\n')
  })

  it('list invalidated entries as such, without their old deadline', async () => {
    const { pgstash } = await createSite(way)
    await pgstash(['set', 'a', '1', '--expiration', '1h', '--tags', 't'])
    await pgstash(['set', 'b', '1', '--tags', 't'])
    await pgstash(['set', 'c', '1'])
    await pgstash(['invalidate', 't'])
    expect((await pgstash(['list'])).out).toMatch(
      /^invalidated +\d+ bytes {2}a {2}\[t\]\ninvalidated +\d+ bytes {2}b {2}\[t\]\nnever +\d+ bytes {2}c\n$/,
    )
    const states = async (...flags: string[]) =>
      JSON.parse((await pgstash(['list', '--json', ...flags])).out).map(({ state }: { state: string }) => state)
    expect(await states()).toEqual(['invalidated', 'invalidated', 'live'])
    expect(await states('--state', 'expired')).toEqual(['invalidated', 'invalidated'])
    expect(await states('--state', 'live')).toEqual(['live'])
    expect(JSON.parse((await pgstash(['stats', '--json'])).out)).toMatchObject({ total: 3, expired: 2, forever: 1 })
  })

  it('print statistics', async () => {
    const { pgstash } = await createSite(way)
    await pgstash(['set', 'a', '1', '--namespace', 'shop'])
    await pgstash(['set', 'b', '1', '--expiration', '0'])
    expect(JSON.parse((await pgstash(['stats', '--json'])).out)).toMatchObject({ total: 2, expired: 1, forever: 1 })
    expect(JSON.parse((await pgstash(['stats', '--json', '--namespace', 'shop'])).out)).toMatchObject({ total: 1 })
    expect((await pgstash(['stats'])).out).toMatch(/^total +2\nunexpired +0 .+\nforever +1 /)
  })
})

describe('escape sequences for terminals', () => {
  it('are escaped in lists, and kept in JSON', async () => {
    const { pgstash } = await createSite()
    const key = '\u001b[31mred\nline\u202e'
    await pgstash(['set', key, '1', '--tag', 'tag\u0007'])
    const { out } = await pgstash(['list'])
    expect(out).toContain(String.raw`\u{001b}[31mred\u{000a}line\u{202e}  [tag\u{0007}]`)
    expect(JSON.parse((await pgstash(['list', '--json'])).out)[0].key).toBe(key)
  })

  it('are shown for blank keys, and to distinguish keys that look alike', async () => {
    const { pgstash } = await createSite()
    for (const key of [' ', 'a', 'a ', 'a\u200b', 'e\u0301', '\u00e9']) await pgstash(['set', key, '1'])
    const { out } = await pgstash(['list'])
    const shown = out
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^.* bytes {2}/, ''))
    expect(shown.toSorted()).toEqual(
      [
        'a',
        String.raw`\u{0020}`,
        String.raw`a\u{200b}`,
        String.raw`a\u{0020}`,
        String.raw`e\u{0301}`,
        '\u00e9',
      ].toSorted(),
    )
  })
})

describe('a reader that stops reading', () => {
  it('ends the command silently', async () => {
    const { url, variables } = await createSite()
    await query(
      url,
      `insert into cache_entries (key, number) select 'key ' || i, i from generate_series(1, 20000) as i`,
    )
    const { child, said, ended } = start(['list'], variables)
    child.stdout.once('data', () => child.stdout.destroy())
    expect([await ended, said.err]).toEqual([0, ''])
  })
})

// The device file of Linux for this.
const FULL_DISK = '/dev/full'

it.skipIf(!existsSync(FULL_DISK))('a full disk is a failure, not a miss', () => {
  const full = openSync(FULL_DISK, 'w')
  const command = [CLI, 'migrate', '--print-sql']
  const { status, stderr } = spawnSync(process.execPath, command, { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' })
  closeSync(full)
  expect([status, stderr]).toEqual([3, 'pgstash: cannot write to standard output (ENOSPC).\n'])
})

describe('wrong usage', () => {
  const SECRET = 's3cret'
  it.each([
    ['no key is named', ['get'], "missing required argument 'key'"],
    ['the value is not JSON', ['set', 'k', SECRET], 'Expected the value to be JSON'],
    ['the deadline is invalid', ['touch', 'k', 'soon'], 'Expected a deadline: 10m'],
    ['no deadline is named', ['touch', 'k'], 'Expected one deadline'],
    ['a deadline is not a span', ['set', 'k', '1', '--expiration', '10 minutes'], 'Expected a deadline: 10m'],
    ['an option misspells a connection string', [`--database-urll=postgres://u:${SECRET}@h/x`], 'unknown option'],
    ['the key is empty', ['get', ''], 'at least one character'],
    ['the namespace is empty', ['get', 'k', '--namespace', ''], 'at least one character'],
    ['the delta is not a number', ['increment', 'k', 'x'], 'Expected a number'],
    ['two deltas are given', ['increment', 'k', '1', '--by', '2'], 'Expected one delta'],
    [
      'the endpoint is not a URL',
      ['get', 'k', '--endpoint', '127.0.0.1:5488'],
      'Expected the endpoint to be an HTTP URL',
    ],
    ['the state is unknown', ['list', '--state', 'dead'], 'Allowed choices are live, expired, forever'],
    ['no terminal can be asked', ['clear-all'], 'Expected --yes'],
  ])('prints one line, and exits with 2, when %s', async (_name, args, message) => {
    const { code, out, err } = await run(args, { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x' })
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(message)
    expect(err).not.toMatch(/^\s+at /m)
    expect(err).not.toContain(SECRET)
  })

  it('differs from an unreachable database, which exits with 3', async () => {
    const { code, err } = await run(['get', 'k'], { DATABASE_URL: `postgres://u:${SECRET}@127.0.0.1:1/x` })
    expect(code).toBe(3)
    expect(err).toBe(
      'pgstash: The connection was refused (ECONNREFUSED): nothing listens at the host and port of the connection string.\n',
    )
  })

  it('differs from missing tables, which prints the command to run', async () => {
    const { url, variables } = await createSite()
    await query(url, 'drop table cache_entries')
    const { code, err } = await run(['get', 'k'], variables)
    expect(code).toBe(3)
    expect(err).toContain('run `pgstash migrate`')
  })
})

describe('help', () => {
  it.each(['get', 'set', 'touch', 'delete', 'increment', 'invalidate', 'list', 'stats', 'clear-expired', 'clear-all'])(
    'shows examples of %s',
    async (name) => {
      const { code, out } = await run([name, '--help'])
      expect(code).toBe(0)
      expect(out).toContain(`$ pgstash ${name}`)
    },
  )

  it('names the exit codes, and exactly the commands in docs/reference/cli.md', async () => {
    const { out } = await run(['--help'])
    expect(out).toContain('Exit codes: 0 done')
    const named = [...out.matchAll(/^ {2}([a-z-]+) (?:\[|<)/gm)]
      .map(([, name]) => name)
      .filter((name) => name !== 'help')
    const document = await readFile(new URL('../../docs/reference/cli.md', import.meta.url), 'utf8')
    const shown = [...document.matchAll(/(?:^|\| )pgstash ([a-z-]+)/gm)].map(([, name]) => name)
    expect([...new Set(shown)].sort()).toEqual(named.sort())
  })
})

describe('in a terminal', () => {
  it('lists entries with a heading, in colours unless NO_COLOR is set', async () => {
    const { pgstash, variables } = await createSite()
    await pgstash(['set', 'user:1', '{"a":1}', '--tags', 'x'])
    const colored = inTerminal(['list'], variables)
    expect(await colored.ended()).toBe(0)
    expect(colored.text()).toMatch(/expires +size {2}key\r\nnever +\d+ bytes {2}user:1 {2}\[x\]/)
    expect(colored.raw()).toContain('\u001b[2m')
    const plain = inTerminal(['list'], { ...variables, NO_COLOR: '1' })
    expect(await plain.ended()).toBe(0)
    expect(plain.raw()).toContain('user:1')
    expect(plain.raw()).not.toContain('\u001b[2m')
    const value = inTerminal(['get', 'user:1'], variables)
    expect(await value.ended()).toBe(0)
    expect(value.text()).toBe('{\r\n  "a": 1\r\n}\r\n')
  })

  it('watches statistics until Ctrl-C', async () => {
    const { pgstash, variables } = await createSite()
    await pgstash(['set', 'a', '1'])
    const watching = inTerminal(['stats', '--watch', '--every', '0.05'], variables)
    await watching.shows(/total +1\r\n[\s\S]*total +1\r\n/)
    await pgstash(['set', 'b', '1'])
    await watching.shows(/total +2\r\n/)
    watching.type('\u0003')
    expect(await watching.ended()).toBe(130)
  })

  it('asks before it clears, and treats any answer but yes as no', async () => {
    const { pgstash, variables } = await createSite()
    await pgstash(['set', 'a', '1', '--namespace', 'shop'])
    await pgstash(['set', 'b', '1'])
    for (const answer of ['\r', 'n\r', 'yeah\r', '\u0004', '\u0003']) {
      const asked = inTerminal(['clear-all', '--namespace', 'shop'], variables)
      await asked.shows(/This deletes 1 entry of the namespace shop of .+ Continue\? \[y\/N\]/)
      asked.type(answer)
      expect(await asked.ended()).toBe(1)
      expect(asked.text()).toContain('Nothing was deleted.')
    }
    const agreed = inTerminal(['clear-all', '--namespace', 'shop'], variables)
    await agreed.shows(/Continue/)
    agreed.type('y\r')
    expect(await agreed.ended()).toBe(0)
    expect(agreed.text()).toContain('Deleted 1 entry.')
    expect((await pgstash(['get', 'b'])).code).toBe(0)
    expect(await pgstash(['clear-all', '--yes'])).toEqual({ code: 0, out: 'Deleted 1 entry.\n', err: '' })
  })
})

describe('clear-expired', () => {
  const EXPIRED = `insert into cache_entries (key, number, expires_at, kept_until)
    select 'key ' || i, i, now() - interval '1 hour', now() - interval '1 hour' from generate_series(1, $1::int) as i`

  it.each(WAYS)('deletes expired entries in a pipe, without a progress bar, %s', async (way) => {
    const { pgstash, url } = await createSite(way)
    await query(url, EXPIRED, [12_000])
    await pgstash(['set', 'stays', '1'])
    expect(await pgstash(['clear-expired'])).toEqual({ code: 0, out: 'Removed 12,000 entries.\n', err: '' })
    expect(await pgstash(['clear-expired'])).toEqual({ code: 0, out: 'Removed 0 entries.\n', err: '' })
    expect((await pgstash(['get', 'stays'])).code).toBe(0)
  })

  it('shows its progress in a terminal', async () => {
    const { url, variables } = await createSite()
    await query(url, EXPIRED, [2_000])
    const cleaning = inTerminal(['clear-expired', '--batch', '100'], variables)
    expect(await cleaning.ended()).toBe(0)
    expect(cleaning.text()).toMatch(/100% {2}2,000 of 2,000 {2}[\d,]+\/s/)
    expect(cleaning.text()).toContain('Removed 2,000 entries.')
  })

  it('ends after the current batch at Ctrl-C, reports that, and continues in the next run', async () => {
    const { pgstash, url, variables } = await createSite()
    await query(url, EXPIRED, [500])
    // Blocks the first batch, so that Ctrl-C certainly arrives during it.
    const holder = new pg.Client(url)
    await holder.connect()
    cleanup(() => holder.end())
    await query(
      url,
      `create function hold() returns trigger language plpgsql as $$
       begin perform pg_advisory_xact_lock_shared(1); return null; end $$;
       create trigger hold before delete on cache_entries execute function hold()`,
    )
    await holder.query('select pg_advisory_lock(1)')
    const cleaning = inTerminal(['clear-expired', '--batch', '10'], variables)
    const waits = `select 1 from pg_locks where locktype = 'advisory' and not granted and database = (
      select oid from pg_database where datname = current_database())`
    await expect.poll(() => query(url, waits), { timeout: 120_000 }).toHaveLength(1)
    cleaning.type('\u0003')
    // The terminal echoes it, so it has been received.
    await cleaning.shows(/\^C/)
    await holder.query('select pg_advisory_unlock(1)')
    expect(await cleaning.ended()).toBe(130)
    expect(cleaning.text()).toContain('More expired entries are waiting. Run the command again')
    // The answer may have arrived before the command checked the signal. In that case one more batch runs.
    const removed = Number(/Removed (\d+) entries/.exec(cleaning.text())?.[1])
    expect([10, 20]).toContain(removed)
    expect((await pgstash(['clear-expired'])).out).toBe(`Removed ${500 - removed} entries.\n`)
  })
})
