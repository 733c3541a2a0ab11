import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'
import { run } from './command.ts'

let url: string
beforeAll(async () => {
  url = await createDatabase()
  expect((await run(['migrate'], { DATABASE_URL: url })).code).toBe(0)
})

const NOWHERE = 'postgres://me:s3cret@127.0.0.1:1/nowhere'

/** The output of `stats --json` in a folder with these files. A total of 0 shows that it found the database. */
async function stats(files: Record<string, string>, variables?: Record<string, string>, args: string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'pgstash-env-'))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const said = await run(['stats', '--json', ...args], variables, undefined, folder)
  expect(said.err).not.toContain('s3cret')
  return said
}
const FOUND = { code: 0, out: expect.stringContaining('"total":0'), err: '' }

describe('the command finds the database', () => {
  it.each(['.env', '.env.local', '.dev.vars'])('in %s', async (file) => {
    expect(await stats({ [file]: `DATABASE_URL=${url}\n` })).toMatchObject(FOUND)
  })

  it.each([
    ['double quotes', (value: string) => `DATABASE_URL="${value}"`],
    ['single quotes', (value: string) => `DATABASE_URL='${value}' # local`],
    ['export and spaces', (value: string) => `  export   DATABASE_URL = ${value}  `],
    ['Windows line breaks', (value: string) => `A=1\r\nDATABASE_URL=${value}\r\nB=2\r\n`],
    ['a byte order mark', (value: string) => `\uFEFFDATABASE_URL=${value}`],
    ['a value of several lines before it', (value: string) => `KEY="a\nDATABASE_URL=no\nb"\nDATABASE_URL=${value}`],
    ['a reference', (value: string) => `REST=${value.slice(11)}\nDATABASE_URL=${value.slice(0, 11)}\${REST}`],
    ['a reference to nothing', (value: string) => `DATABASE_URL=${value}\${constructor}\${toString}`],
  ])('in a file with %s', async (_name, line) => {
    expect(await stats({ '.env': line(url) })).toMatchObject(FOUND)
  })

  it('in the environment before any file, even if the variable is empty', async () => {
    expect(await stats({ '.env': `DATABASE_URL=${NOWHERE}` }, { DATABASE_URL: url })).toMatchObject(FOUND)
    const empty = await stats({ '.env': `DATABASE_URL=${url}` }, { DATABASE_URL: '' })
    expect(empty).toMatchObject({ code: 2, err: expect.stringContaining('Expected a database') })
  })

  it('in .env.local before .dev.vars, and there before .env', async () => {
    const [here, there] = [`DATABASE_URL=${url}`, `DATABASE_URL=${NOWHERE}`]
    expect(await stats({ '.env.local': here, '.dev.vars': there, '.env': there })).toMatchObject(FOUND)
    expect(await stats({ '.dev.vars': here, '.env': there })).toMatchObject(FOUND)
  })

  it('only in the file of --dotenv, if it is given', async () => {
    const files = { '.env.local': `DATABASE_URL=${NOWHERE}`, 'production.env': `DATABASE_URL=${url}` }
    expect(await stats(files, {}, ['--dotenv', 'production.env'])).toMatchObject(FOUND)
    expect(await stats(files, {}, ['--dotenv', 'missing.env'])).toMatchObject({
      code: 2,
      err: 'pgstash: Expected missing.env to be a file that can be read (ENOENT).\n',
    })
  })

  it.each(['POSTGRES_URL', 'NETLIFY_DATABASE_URL', 'SUPABASE_DB_URL'])(
    'under the name %s, which platforms set',
    async (name) => {
      expect(await stats({ '.env.local': `${name}=${url}` })).toMatchObject(FOUND)
      expect(await stats({ '.env.local': `DATABASE_URL=${url}`, '.env': `${name}=${NOWHERE}` })).toMatchObject(FOUND)
      expect(await stats({ '.env': `DATABASE_URL=prisma+postgres://x\n${name}=${url}` })).toMatchObject(FOUND)
    },
  )

  it('although a folder has the name of a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pgstash-env-'))
    cleanup(() => rm(folder, { recursive: true, force: true }))
    await mkdir(join(folder, '.env'))
    await writeFile(join(folder, '.dev.vars'), `DATABASE_URL=${url}`)
    expect(await run(['stats', '--json'], {}, undefined, folder)).toMatchObject(FOUND)
  })
})

describe('a local Neon endpoint', () => {
  it('is recognized by its answer, with DATABASE_URL alone', async () => {
    const { server, faults } = await createNeon(url)
    expect(await stats({ '.dev.vars': `DATABASE_URL=${server.connectionString}` })).toMatchObject(FOUND)
    expect(faults.requests).toBe(1)
  })

  it('does not get the password of a database that another source names', async () => {
    const { server, faults } = await createNeon(url)
    const endpoint = { NEON_FETCH_ENDPOINT: server.endpoint }
    expect(await stats({}, { DATABASE_URL: NOWHERE, ...endpoint }, ['--database-url', url])).toMatchObject(FOUND)
    const file = `NEON_FETCH_ENDPOINT=${server.endpoint}\n`
    expect(await stats({ '.env': file }, { DATABASE_URL: url })).toMatchObject(FOUND)
    expect(await stats({ '.env.local': `DATABASE_URL=${url}`, '.env': file })).toMatchObject(FOUND)
    expect(faults.requests).toBe(0)
  })
})
