import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache, enableLocalNeon, InvalidOptionError } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { start } from './endpoint.ts'

// A database starts, on a busy machine.
vi.setConfig({ testTimeout: 240_000 })

const before = neonConfig.fetchEndpoint

/** The driver without any configuration. The setup of the tests has replaced its functions. */
const NEON_DEFAULT = Reflect.get(neonConfig, 'defaults').fetchEndpoint

afterEach(() => {
  neonConfig.fetchEndpoint = before
})

function endpointOf(host: string, port: number | string = 4444): string {
  const { fetchEndpoint } = neonConfig
  return typeof fetchEndpoint === 'string' ? fetchEndpoint : fetchEndpoint(host, port, { jwtAuth: false })
}

describe('enableLocalNeon', () => {
  it.each([
    ['localhost', 'http://127.0.0.1:4444/sql'],
    ['LOCALHOST', 'http://127.0.0.1:4444/sql'],
    ['localhost.', 'http://127.0.0.1:4444/sql'],
    ['neon.localhost', 'http://127.0.0.1:4444/sql'],
    ['db.localtest.me', 'http://127.0.0.1:4444/sql'],
    ['0.0.0.0', 'http://127.0.0.1:4444/sql'],
    ['127.0.0.1', 'http://127.0.0.1:4444/sql'],
    ['127.1.2.3', 'http://127.1.2.3:4444/sql'],
    ['[::1]', 'http://[::1]:4444/sql'],
    ['::1', 'http://[::1]:4444/sql'],
  ])('sends %s to this machine', (host, expected) => {
    enableLocalNeon(neonConfig)
    expect(endpointOf(host)).toBe(expected)
  })

  it.each([
    'ep-cool-name-123456.eu-central-1.aws.neon.tech',
    'localhost.example.com',
    'notlocalhost',
    'localtest.me.example.com',
    '127.0.0.1.example.com',
    '10.0.0.1',
    '[2001:db8::1]',
  ])('leaves %s to the endpoint that was set before', (host) => {
    neonConfig.fetchEndpoint = (name, port, options) => `https://before/${name}/${port}/${options?.jwtAuth}`
    enableLocalNeon(neonConfig)
    expect(endpointOf(host, 5432)).toBe(`https://before/${host}/5432/false`)
    neonConfig.fetchEndpoint = 'https://fixed/sql'
    enableLocalNeon(neonConfig)
    expect([endpointOf(host), endpointOf('localhost')]).toEqual(['https://fixed/sql', 'http://127.0.0.1:4444/sql'])
  })

  it('leaves Neon’s hosts to Neon by default', () => {
    neonConfig.fetchEndpoint = NEON_DEFAULT
    enableLocalNeon(neonConfig)
    expect(endpointOf('ep-a-1.eu.aws.neon.tech')).toBe('https://api.eu.aws.neon.tech/sql')
  })

  it('changes nothing when called again, as once per request', () => {
    enableLocalNeon(neonConfig)
    const first = neonConfig.fetchEndpoint
    enableLocalNeon(neonConfig)
    expect(neonConfig.fetchEndpoint).toBe(first)
  })

  it('uses the default port if none is given', () => {
    enableLocalNeon(neonConfig)
    expect(endpointOf('localhost', '')).toBe('http://127.0.0.1:5488/sql')
  })

  it.each([[undefined], [null], ['postgres://localhost'], [{}], [{ fetchEndpoint: 1 }]])('refuses %j', (config) => {
    expect(() => enableLocalNeon(config as never)).toThrow(InvalidOptionError)
    expect(() => enableLocalNeon(config as never)).toThrow('Expected the neonConfig of @neondatabase/serverless')
  })

  it('works for a client that was created before it, and for one created after', async () => {
    const local = await start()
    neonConfig.fetchEndpoint = NEON_DEFAULT
    const early = neon(local.connectionString)
    enableLocalNeon(neonConfig)
    const late = neon(local.connectionString.replace('localhost', 'neon.localhost'))
    expect([await early`select 1 as n`, await late`select 2 as n`]).toEqual([[{ n: 1 }], [{ n: 2 }]])
  })

  it('works for Drizzle, migrate and a cache', async () => {
    const local = await start()
    neonConfig.fetchEndpoint = NEON_DEFAULT
    enableLocalNeon(neonConfig)
    const db = drizzle(local.connectionString)
    await migrate(db)
    const cache = createCache(db, { timeout: 60_000 })
    await cache.set('a', 1)
    expect(await cache.get('a')).toBe(1)
  })
})
