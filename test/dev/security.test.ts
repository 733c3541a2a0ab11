import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { neon } from '@neondatabase/serverless'
import { beforeAll, describe, expect, it } from 'vitest'
import type { LocalNeon } from '../../src/dev/index.ts'
import { type PlainRequest, query, send, start } from './endpoint.ts'

describe('the endpoint', () => {
  let local: LocalNeon

  beforeAll(async () => {
    local = await start()
  })

  const withUrl = (change: (url: URL) => void) => {
    const url = new URL(local.connectionString)
    change(url)
    return query(local, 'select 1', [], { connectionString: url.href })
  }

  it('listens only on 127.0.0.1', async () => {
    const others = Object.values(networkInterfaces())
      .flat()
      .filter((net) => net?.family === 'IPv4' && net.address !== '127.0.0.1')
    for (const net of others) {
      const refused = await new Promise((resolve) => {
        const socket = connect(local.port, net?.address ?? '')
        socket.on('connect', () => resolve('connected'))
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      })
      expect(refused).toBe('ECONNREFUSED')
    }
    expect(new URL(local.endpoint).hostname).toBe('127.0.0.1')
  })

  it('generates a new password each time', async () => {
    const other = await start()
    const [one, two] = [local, other].map(({ connectionString }) => new URL(connectionString).password)
    expect(one).not.toBe(two)
    expect(one?.length).toBeGreaterThanOrEqual(32)
    expect((await query(local, 'select 1', [], { connectionString: other.connectionString })).json.code).toBe('28P01')
  })

  it.each([
    ['a wrong password', (url: URL) => Object.assign(url, { password: 'guess' })],
    ['a prefix of the password', (url: URL) => Object.assign(url, { password: url.password.slice(0, -1) })],
    ['a wrong user', (url: URL) => Object.assign(url, { username: 'admin' })],
  ])('refuses %s with 28P01', async (_name, change) => {
    const answer = await withUrl(change)
    expect(answer).toMatchObject({ status: 400, json: { code: '28P01', severity: 'FATAL' } })
    expect(answer.json.message).toMatch(/^password authentication failed for user '/)
  })

  it('refuses a database that it does not serve', async () => {
    expect(await withUrl((url) => Object.assign(url, { pathname: '/other' }))).toMatchObject({
      status: 500,
      json: { code: '3D000' },
    })
  })

  it.each([
    ['no connection string', undefined, 'invalid header: neon-connection-string'],
    ['an invalid URL', 'secret-not-a-url', 'invalid connection string'],
    ['another scheme', 'mysql://u:secret@localhost/db', 'incorrect scheme'],
    ['no user', 'postgres://localhost/db', 'missing username'],
    ['no password', 'postgres://postgres@localhost/db', 'missing authentication credentials: required password'],
    ['no database', 'postgres://u:secret@localhost', 'missing database name'],
    ['a broken escape', 'postgres://%E0:secret@localhost/db', 'invalid connection string'],
  ])('refuses %s and shows no part of it', async (_name, header, message) => {
    const answer = await query(local, 'select 1', [], { headers: { 'neon-connection-string': header } })
    expect(answer).toMatchObject({ status: 400, json: { message, code: '' } })
    expect(answer.text).not.toContain('secret')
  })

  it.each(['localhost', 'LOCALHOST:1234', '127.0.0.1', '127.0.0.1:99', '[::1]', '[::1]:5'])(
    'accepts the host %s',
    async (host) => {
      expect((await query(local, 'select 1', [], { headers: { host } })).status).toBe(200)
    },
  )

  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    'evil.example:80',
    '0.0.0.0',
    '127.0.0.1@evil',
    'localhost:x',
  ])('refuses the host %j, which DNS rebinding would send', async (host) => {
    expect((await query(local, 'select 1', [], { headers: { host } })).status).toBe(403)
    expect((await send(local, { method: 'GET', path: '/', headers: { host } })).status).toBe(403)
  })

  it.each(['https://evil.example', 'null', 'http://localhost.evil.example', 'file://', 'chrome-extension://x'])(
    'refuses requests of the page %s',
    async (origin) => {
      expect((await query(local, 'select 1', [], { headers: { origin } })).status).toBe(403)
    },
  )

  it('accepts requests of a page on this machine', async () => {
    expect((await query(local, 'select 1', [], { headers: { origin: 'http://localhost:3000' } })).status).toBe(200)
  })

  const requests: PlainRequest[] = [
    { body: { query: 'select 1' } },
    { body: { query: 'select 1/0' } },
    { body: 'nonsense' },
    { body: {}, headers: { origin: 'https://evil.example' } },
    { body: {}, headers: { origin: 'http://localhost:3000' } },
    { method: 'OPTIONS', headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' } },
    { method: 'GET', path: '/' },
  ]
  it.each(requests)('never sends a CORS header: %j', async (options) => {
    const { headers } = await send(local, options)
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it('refuses preflights, other methods and other paths', async () => {
    expect(await send(local, { method: 'OPTIONS' })).toMatchObject({ status: 405, headers: { allow: 'POST' } })
    expect((await send(local, { method: 'GET' })).status).toBe(405)
    expect((await send(local, { method: 'PUT', body: { query: 'select 1' } })).status).toBe(405)
    expect((await send(local, { path: '/other', body: { query: 'select 1' } })).status).toBe(404)
  })

  it('explains itself in one line', async () => {
    const { status, text } = await send(local, { method: 'GET', path: '/' })
    expect(status).toBe(200)
    expect(text).toMatch(/^This is a local Neon endpoint.*\n$/)
    expect(text).not.toContain(new URL(local.connectionString).password)
  })

  it('can be reached by the driver with its own URL', async () => {
    expect(await neon(local.connectionString)`select 1 as one`).toEqual([{ one: 1 }])
  })
})
