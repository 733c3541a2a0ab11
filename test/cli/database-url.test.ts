/** Every form of a connection URL that psql or `pg` takes. */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseDatabaseUrl, urlOf } from '../../src/cli/database-url.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createPool } from '../setup/databases.ts'
import { freePort } from '../setup/free-port.ts'
import { startServer } from '../setup/server.ts'
import { inTerminal, run, start } from './command.ts'

/** Named like the folder of a Cloud SQL instance, which contains colons. */
let sockets: string
let url: URL
/** Nothing listens on this port. */
let closed: number
/** A second server, whose sessions are read-only. */
let readOnly: URL

beforeAll(async () => {
  const parent = await mkdtemp('/tmp/pgstash-')
  sockets = join(parent, 'p:r:i')
  await mkdir(sockets)
  // The server may run as another user.
  for (const folder of [parent, sockets]) await chmod(folder, 0o777)
  const server = await startServer([`unix_socket_directories=${sockets}`])
  const second = await startServer(['default_transaction_read_only=on'])
  cleanup(async () => {
    await server.stop()
    await second.stop()
    await rm(parent, { recursive: true, force: true })
  })
  url = new URL(server.url)
  readOnly = new URL(second.url)
  closed = await freePort()
  expect((await run(['migrate'], { DATABASE_URL: server.url })).code).toBe(0)
})

const USER = 'postgres:postgres'
const forms: Record<string, () => string> = {
  'a socket as Cloud SQL documents it': () => `postgresql://${USER}@/postgres?host=${sockets}&port=${url.port}`,
  'an encoded socket in the place of the host': () =>
    `postgresql://${USER}@${encodeURIComponent(sockets)}:${url.port}/postgres`,
  'an encoded socket with bare colons': () =>
    `postgresql://${USER}@${encodeURIComponent(sockets).replaceAll('%3A', ':')}:${url.port}/postgres`,
  'a socket beside a host that is ignored': () =>
    `postgresql://${USER}@nowhere.invalid/postgres?host=${sockets}&port=${url.port}`,
  'sslmode, which means nothing on a socket': () =>
    `postgresql://${USER}@/postgres?host=${sockets}&port=${url.port}&sslmode=require`,
  "`pg`'s URL of a socket": () => `socket://${USER}@${sockets}?db=postgres&port=${url.port}`,
  'several hosts, of which the second is up': () =>
    `postgresql://${USER}@127.0.0.1:${closed},127.0.0.1:${url.port}/postgres`,
  'several hosts and ports as parameters': () =>
    `postgresql://${USER}@/postgres?host=127.0.0.1,127.0.0.1&port=${closed},${url.port}`,
  'a socket that is missing, and then a host': () =>
    `postgresql://${USER}@/postgres?host=/no/folder,127.0.0.1&port=${url.port}`,
  'the first host that takes writes': () =>
    `postgresql://${USER}@${readOnly.host},${url.host}/postgres?target_session_attrs=read-write`,
  'the first host, if no other is a standby': () =>
    `postgresql://${USER}@${url.host},${readOnly.host}/postgres?target_session_attrs=prefer-standby`,
  'everything as parameters': () =>
    `postgres:///?host=127.0.0.1&port=${url.port}&user=postgres&password=postgres&dbname=postgres`,
  'an address instead of a host': () => `postgres://${USER}@:${url.port}/postgres?hostaddr=127.0.0.1`,
  'sslmode=prefer, with a server that has no TLS': () => `postgres://${USER}@${url.host}/postgres?sslmode=prefer`,
  'sslmode=allow': () => `postgres://${USER}@${url.host}/postgres?sslmode=allow`,
  'spaces around it': () => ` ${url.href}\n`,
}

describe('the command connects by', () => {
  it.each(Object.entries(forms))('%s', async (_name, form) => {
    expect(await run(['stats', '--json'], { DATABASE_URL: form() })).toMatchObject({ code: 0, err: '' })
  })

  it('the default host, port, user and database', async () => {
    const { username } = userInfo()
    const pool = createPool(url.href)
    await pool.query(`create role "${username}" superuser login password 'own'`)
    await pool.query(`create database "${username}" template template0`)
    const place = { PGHOST: '127.0.0.1', PGPORT: url.port }
    const named = `postgres://:own@/`
    expect(await run(['migrate'], { DATABASE_URL: named, ...place })).toMatchObject({ code: 0 })
    expect(await run(['stats'], { DATABASE_URL: 'postgres:///postgres', PGPASSWORD: 'own', ...place })).toMatchObject({
      code: 0,
    })
  })

  it('an unusual user, password and database', async () => {
    const pool = createPool(url.href)
    const password = 'p%40@:#?&+ü%'
    await pool.query(`create role "o/dd@ :" superuser login password '${password}'`)
    await pool.query(`create database "my db/100% ü+:@" template template0`)
    const user = `${encodeURIComponent('o/dd@ :')}:${encodeURIComponent(password)}`
    const odd = `postgres://${user}@${url.host}/${encodeURIComponent('my db/100% ü+:@')}`
    expect(await run(['migrate'], { DATABASE_URL: odd })).toMatchObject({ code: 0 })
    // Read like psql does, because it is not a URL.
    const role = `create role plain superuser login password 'a#b?c@d'`
    await pool.query(role)
    const pasted = `postgres://plain:a#b?c@d@${url.host}/postgres`
    expect(await run(['stats'], { DATABASE_URL: pasted })).toMatchObject({ code: 0 })
  })
})

it('sslmode=require reports in one line that the server has no TLS', async () => {
  expect(await run(['stats'], { DATABASE_URL: `${url.href}?sslmode=require` })).toMatchObject({
    code: 3,
    err: 'pgstash: The server does not speak TLS: for a local one, set sslmode=disable.\n',
  })
})

describe('with several hosts', () => {
  it('exits with 3 if none is reachable, or none has the required kind of session', async () => {
    const down = `postgres://${USER}@127.0.0.1:${closed},[::1]:${closed}/postgres`
    expect(await run(['stats'], { DATABASE_URL: down })).toMatchObject({
      code: 3,
      err: expect.stringContaining('The connection was refused'),
    })
    const none = `postgres://${USER}@${url.host},${readOnly.host}/postgres?target_session_attrs=standby`
    expect(await run(['stats'], { DATABASE_URL: none })).toMatchObject({
      code: 3,
      err: 'pgstash: No reachable server of the database URL matches target_session_attrs=standby.\n',
    })
  })

  it('tries no other host after a wrong password', async () => {
    const wrong = `postgres://postgres:wrong@${url.host},127.0.0.1:${closed}/postgres`
    expect(await run(['stats'], { DATABASE_URL: wrong })).toMatchObject({
      code: 3,
      err: 'pgstash: Postgres refused the password of the connection string.\n',
    })
  })
})

it('the command names the database without user and password, also in a question', async () => {
  const asked = inTerminal(['clear-all'], { DATABASE_URL: forms['a socket as Cloud SQL documents it']?.() ?? '' })
  await asked.shows(`entries of ${sockets}:${url.port}/postgres. Continue?`)
  asked.type('n\r')
  expect(await asked.ended()).toBe(1)
})

it('dev accepts such a URL as well', async () => {
  const database = forms['a socket as Cloud SQL documents it']?.() ?? ''
  const { said, ended } = start(['dev', '--port', '0', '--database-url', database, '--', 'true'])
  expect([await ended, said.err]).toEqual([0, expect.stringContaining('A local Neon is running')])
})

describe('a connection URL', () => {
  const SECRET = 's3cret'
  it.each([
    `mysql://u:${SECRET}@h/x`,
    SECRET,
    `postgres:u:${SECRET}@h/x`,
    `postgres://u:${SECRET}/x@h/d`,
    `postgres://u:${SECRET}@h:0/d`,
    `postgres://u:${SECRET}@h:65536/d`,
    `postgres://u:${SECRET}@[::1/d`,
    `postgres://u:${SECRET}@h,h/d?port=1,2,3`,
    `postgres://u:${SECRET}@h/d?service=x`,
  ])('that is invalid is refused without showing its password (case %#)', (text) => {
    const message = (() => {
      try {
        parseDatabaseUrl(text)
        return ''
      } catch (error) {
        return (error as Error).message
      }
    })()
    expect(message).toMatch(/^Expected the database URL to look like postgresql:/)
    expect(message).not.toContain(SECRET)
  })

  it('with an unknown target_session_attrs is refused, with exit code 2', async () => {
    const { code, err } = await run(['stats'], { DATABASE_URL: `postgres://h/d?target_session_attrs=any1` })
    expect([code, err]).toEqual([2, expect.stringContaining('target_session_attrs to be one of any, read-write')])
  })

  it('without a user is refused over HTTP, with exit code 2', async () => {
    const { code, err } = await run(['stats', '--endpoint', 'http://127.0.0.1:1/sql'], {
      DATABASE_URL: 'postgres:///d',
    })
    expect([code, err]).toEqual([2, expect.stringContaining('to have a user and a database')])
  })

  const same = [
    'postgres://u:p@h:5/d',
    'postgres://u@h/d',
    'postgres://h/d',
    'postgres://h',
    'postgres://u:p@[::1]:5/d',
    'postgres://u:p%40%3A@h/d%20d',
    'postgres://u:p%zz@h/d',
    'postgres://u@h/d#part',
    'postgres://u@%2Fa%2Fb/d',
    'postgres://u@/d?host=/a/b',
    'postgres://x@y/d?user=u&password=p&host=h&port=7',
    'postgres://u@h/d?application_name=a%20b+c&options=-c%20a%3Db',
    'POSTGRES://h/d',
    '/a/b d',
    'socket:/a/b?db=d',
    'socket://u:p@/a/b?db=d',
  ]
  it.each(same)('with %s has the same meaning as for pg', (text) => {
    const parsed = parseDatabaseUrl(text)
    expect(fieldsOf(urlOf(parsed, parsed.addresses[0]))).toEqual(fieldsOf(text))
  })
})

function fieldsOf(connectionString: string) {
  const client = new pg.Client({ connectionString })
  const { host, port, user, password, database } = client
  const { options, application_name } = Reflect.get(client, 'connectionParameters')
  return { host, port, user, password, database, options, application_name }
}
