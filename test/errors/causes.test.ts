import { inspect } from 'node:util'
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import { build } from 'esbuild'
import fc from 'fast-check'
import pg from 'pg'
import { type Cache, createCache, DatabaseError } from 'pgstash'
import type { Faults } from 'pgstash/testing'
import postgres from 'postgres'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { databaseFailure as failureOf } from '../../src/postgres/failure.ts'
import { startWorker } from '../package/runtimes.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

const databaseFailure = (thrown: unknown) => failureOf(thrown) as Error

/** Nothing listens on this port. No program is assigned one so low, and `fetch` does not block it. */
const NOBODYS_PORT = 2
/** The driver's own endpoint, for hosts of Neon. */
const neonsEndpoint = (host: string) => `https://${host.replace(/^[^.]+\./, 'api.')}/sql`

let database: string
let db: NeonHttpDatabase
let faults: Faults

beforeAll(async () => {
  database = await createDatabase()
  ;({ db, faults } = await createNeon(database))
})
beforeEach(() => {
  faults.heal()
  faults.reset()
})

/** The error that an operation of the cache rejects with. */
async function refusal(cache: Cache): Promise<DatabaseError> {
  const error = await cache.delete('key').catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DatabaseError)
  return error as DatabaseError
}

const quiet = { timeout: 60_000, warn: false } as const
const overNeon = (url: string) => refusal(createCache(drizzle(neon(url)), quiet))
const overPg = (url: string, config: pg.PoolConfig = {}) =>
  refusal(createCache(drizzlePg(createPool(url, config)), quiet))
function overPostgresJs(url: string) {
  const client = postgres(url, { max: 1, onnotice() {} })
  cleanup(() => client.end({ timeout: 0 }))
  return refusal(createCache(drizzlePostgres(client), quiet))
}

function changed(change: (url: URL) => void): string {
  const url = new URL(database)
  change(url)
  return url.href
}

const EMPTY = /^The connection string is empty: set its variable, such as DATABASE_URL\.$/
const MALFORMED = /^The connection string is not a URL \(postgresql:\/\/user:password@host\/database\)/
const NOT_NEON =
  /^Neon's driver did not find this host at Neon.*If the host is not Neon's, call enableLocalNeon\(neonConfig\) and run `pgstash dev`, or use a TCP driver/
const UNRESOLVED = /^The host of the connection string does not resolve \(E\w+\): /
const REFUSED = /^The connection was refused \(ECONNREFUSED\): nothing listens at the host and port/
const NO_DEV =
  /^The connection was refused \(ECONNREFUSED\): nothing listens at neonConfig\.fetchEndpoint\. Run `pgstash dev`\.$/
const WRONG_PASSWORD = /^Postgres refused the password/
const NO_DATABASE = /^The connection string's database does not exist\.$/

describe('the message for an unreachable database', () => {
  it('reports an empty connection string', async () => {
    expect(await overNeon('')).toMatchObject({ message: expect.stringMatching(EMPTY) })
    // The driver turns a variable that is not set into the text `undefined`.
    expect((await overNeon(undefined as never)).message).toMatch(
      /^The connection string is not a URL .*: set its variable/,
    )
  })

  it.each(['hunter2', 'https://hunter2.example', 'postgres://hunter2'])(
    'reports an invalid connection string: %s',
    async (url) => {
      const error = await overNeon(url)
      expect(error.message).toMatch(MALFORMED)
      expect(inspect(error)).not.toContain('hunter2')
    },
  )

  it('reports a port or password that breaks the URL', async () => {
    for (const over of [overPg, overPostgresJs]) {
      // Some drivers refuse at once, some at the first connection.
      const attempt = async () => over('postgres://u:hunter2@host:port/db')
      const error = await attempt().catch((reason: unknown) => reason)
      if (error instanceof DatabaseError) expect(error.message).toMatch(MALFORMED)
      else expect(error).toMatchObject({ code: 'ERR_INVALID_URL' })
    }
  })

  it('reports a host that is not Neon’s', async () => {
    const { fetchEndpoint } = neonConfig
    onTestFinished(() => {
      neonConfig.fetchEndpoint = fetchEndpoint
    })
    neonConfig.fetchEndpoint = neonsEndpoint
    for (const host of ['db.nowhere.invalid', 'nowhere.invalid', '127.0.0.1']) {
      expect((await overNeon(`postgresql://u:hunter2@${host}/db`)).message).toMatch(NOT_NEON)
    }
  })

  it('reports that nothing listens at the endpoint', async () => {
    expect((await overNeon(`postgresql://u:hunter2@localhost:${NOBODYS_PORT}/db`)).message).toMatch(NO_DEV)
  })

  it('reports that the host does not resolve', async () => {
    for (const over of [overPg, overPostgresJs]) {
      expect((await over('postgresql://u:hunter2@db.nowhere.invalid/db')).message).toMatch(UNRESOLVED)
    }
  })

  it('reports a refused connection', async () => {
    for (const over of [overPg, overPostgresJs]) {
      expect((await over(`postgresql://u:hunter2@127.0.0.1:${NOBODYS_PORT}/db`)).message).toMatch(REFUSED)
    }
  })

  it('reports a wrong password, and a missing database', async () => {
    const wrong = changed((url) => {
      url.password = 'hunter2'
    })
    const absent = changed((url) => {
      url.pathname = '/hunter2'
    })
    for (const over of [overPg, overPostgresJs]) {
      expect(await over(wrong)).toMatchObject({ message: expect.stringMatching(WRONG_PASSWORD), sqlState: '28P01' })
      expect(await over(absent)).toMatchObject({ message: expect.stringMatching(NO_DATABASE), sqlState: '3D000' })
    }
  })

  it('reports a server without TLS', async () => {
    expect((await overPg(database, { ssl: true })).message).toMatch(/^The server does not speak TLS/)
  })

  it('reports that no connection became free in time', async () => {
    const pool = createPool(database, { max: 1 })
    const busy = await pool.connect()
    pool.options.connectionTimeoutMillis = 50
    const error = await refusal(createCache(drizzlePg(pool), quiet))
    busy.release()
    expect(error.message).toMatch(/^The server did not accept a connection in time: /)
  })

  it('reports that the pool was closed', async () => {
    const pool = new pg.Pool({ connectionString: database })
    await pool.end()
    expect((await refusal(createCache(drizzlePg(pool), quiet))).message).toMatch(/connections were closed before/)
  })

  it('reports missing tables, or a missing schema', async () => {
    for (const cache of [createCache(db, quiet), createCache(drizzlePg(createPool(database)), quiet)]) {
      expect((await refusal(cache)).message).toMatch(/tables do not exist: run `pgstash migrate`/)
    }
  })

  it('reports a lost connection', async () => {
    faults.always({ kind: 'reset' })
    expect((await refusal(createCache(db, quiet))).message).toMatch(
      /^The connection was lost before the answer came \(/,
    )
  })
})

describe('the message for an endpoint’s answer', () => {
  it.each<[number, RegExp]>([
    [401, /status 401: it refused the credentials\.$/],
    [402, /status 402: the quota is used up\.$/],
    [403, /status 403: it refused the credentials or this machine's address\.$/],
    [404, /status 404: no SQL endpoint is there\. If the host is not Neon's, call enableLocalNeon\(neonConfig\)/],
    [405, /status 405: no SQL endpoint is there\. /],
    [413, /status 413: the request is too large\.$/],
    [418, /status 418\.$/],
    [429, /status 429: too many requests\.$/],
    [500, /status 500\.$/],
    [503, /status 503: it or the database is unavailable\.$/],
    [504, /status 504: the database did not answer in time\.$/],
    [525, /status 525\.$/],
  ])('explains the status %i', async (status, message) => {
    faults.always({ kind: 'error', status, body: '<html>hunter2</html>' })
    const error = await refusal(createCache(db, quiet))
    expect(error).toMatchObject({ message: expect.stringMatching(message), status })
    expect(inspect(error)).not.toContain('hunter2')
  })

  // The words of Neon's proxy, with no code or one that says little.
  it.each<[string, RegExp]>([
    ["password authentication failed for user 'hunter2'", WRONG_PASSWORD],
    ['database "hunter2" does not exist', NO_DATABASE],
    ['role "hunter2" does not exist', /^Postgres refused the login/],
    [
      'Your account or project has exceeded the compute time quota. Upgrade your plan to increase limits.',
      /used up its quota/,
    ],
    ['The endpoint has been disabled. Enable it using Neon API and retry.', /endpoint is disabled: enable it/],
    ['The requested endpoint could not be found, or you don’t have access to it.', /Neon has no such endpoint/],
    ["Couldn't connect to compute node", /could not start the suspended database/],
    ['This IP address 192.0.2.7 is not allowed to connect to this endpoint.', /list of allowed addresses/],
  ])('explains the words of Neon: %s', async (said, message) => {
    for (const code of [null, 'XX000']) {
      faults.always({ kind: 'error', status: 400, body: { message: said, code, severity: 'FATAL' } })
      const error = await refusal(createCache(db, quiet))
      expect(error.message).toMatch(message)
      expect(inspect(error)).not.toMatch(/hunter2|192\.0/)
    }
  })

  it('names the class of an SQLSTATE without specific advice', async () => {
    faults.always({ kind: 'error', status: 400, body: { message: 'value "hunter2"', code: '22P02' } })
    expect((await refusal(createCache(db, quiet))).message).toBe(
      'Postgres refused the statement with SQLSTATE 22P02: a value is invalid.',
    )
  })
})

/** Errors as other runtimes and drivers throw them, copied because these are not available here. */
const failed = (cause: object) => {
  const fetchFailed = new TypeError('fetch failed', { cause })
  const error = new Error('Error connecting to database: TypeError: fetch failed')
  return Object.assign(error, { name: 'NeonDbError', sourceError: fetchFailed })
}
const coded = (code: string, message = code, fields: object = {}) =>
  Object.assign(new Error(message), { code, ...fields })

describe('a failure of another runtime or network', () => {
  it.each<[string, unknown, RegExp]>([
    [
      'localhost without an endpoint',
      failed(coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:443', { address: '127.0.0.1', port: 443 })),
      NOT_NEON,
    ],
    [
      'an empty connection string of a pool',
      coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:5432', { address: '127.0.0.1', port: 5432 }),
      /localhost:5432, the default without a host\. Set the variable of the connection string\.$/,
    ],
    [
      'happy eyeballs',
      Object.assign(
        new AggregateError([
          coded('ECONNREFUSED', 'connect ECONNREFUSED ::1:5433', { address: '::1', port: 5433 }),
          coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:5433', { address: '127.0.0.1', port: 5433 }),
        ]),
        { code: 'ECONNREFUSED' },
      ),
      REFUSED,
    ],
    [
      'happy eyeballs without a code',
      new AggregateError([coded('ENETUNREACH'), coded('ENETUNREACH')]),
      /^No network leads/,
    ],
    ['a WebSocket', { type: 'error', message: 'connect ECONNREFUSED 127.0.0.1:443' }, /^The connection was refused/],
    [
      'a deleted host of Neon',
      failed(coded('ENOTFOUND', 'getaddrinfo', { hostname: 'api.eu.aws.neon.tech' })),
      UNRESOLVED,
    ],
    ['a name server that does not answer', coded('EAI_AGAIN', 'getaddrinfo'), UNRESOLVED],
    [
      'undici: connecting',
      failed(coded('UND_ERR_CONNECT_TIMEOUT', 'Connect Timeout Error')),
      /^The server did not accept a connection in time \(UND_ERR_CONNECT_TIMEOUT\)/,
    ],
    [
      'undici: reading',
      failed(coded('UND_ERR_HEADERS_TIMEOUT', 'Headers Timeout Error')),
      /^The server took a statement and did not answer/,
    ],
    ['undici: a socket', failed(coded('UND_ERR_SOCKET', 'other side closed')), /^The connection was lost/],
    [
      'undici: a reset',
      failed(coded('ECONNRESET', 'read ECONNRESET')),
      /^The connection was lost before the answer came \(ECONNRESET\)\. /,
    ],
    [
      'postgres-js: connecting',
      coded('CONNECT_TIMEOUT', 'write CONNECT_TIMEOUT db:5432'),
      /^The server did not accept/,
    ],
    ['postgres-js: closed', coded('CONNECTION_CLOSED', 'write CONNECTION_CLOSED db:5432'), /^The connection was lost/],
    [
      'postgres-js: ended',
      coded('CONNECTION_ENDED', 'write CONNECTION_ENDED db:5432'),
      /^The driver's connections were closed/,
    ],
    ['pg: terminated', new Error('Connection terminated unexpectedly'), /^The connection was lost/],
    [
      'pg: no password',
      new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'),
      /has no password/,
    ],
    ['pg: a statement', new Error('Query read timeout'), /^The server took a statement/],
    ['TLS: expired', coded('CERT_HAS_EXPIRED', 'certificate has expired'), /^TLS failed \(CERT_HAS_EXPIRED\)/],
    ['TLS: self-signed', coded('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'), /^TLS failed/],
    ['TLS: another name', coded('ERR_TLS_CERT_ALTNAME_INVALID', 'Hostname/IP does not match'), /^TLS failed/],
    ['a firewall', coded('ETIMEDOUT', 'connect ETIMEDOUT', { syscall: 'connect' }), /^The server did not accept/],
    ['no network', coded('ENETUNREACH', 'connect ENETUNREACH'), /^No network leads/],
    ['a Unix socket', coded('ENOENT', 'connect ENOENT /run/x', { syscall: 'connect' }), /Unix socket does not exist/],
    [
      'Bun',
      coded('ConnectionRefused', 'Unable to connect. Is the computer able to access the url?'),
      /^The connection was refused \(ConnectionRefused\)/,
    ],
    [
      'Deno: DNS',
      new TypeError('error sending request: client error (Connect): dns error: failed to lookup address'),
      /does not resolve/,
    ],
    [
      'Deno: refused',
      new TypeError('client error (Connect): tcp connect error: Connection refused (os error 111)'),
      /was refused/,
    ],
    [
      'Workers: another request',
      new Error('Cannot perform I/O on behalf of a different request.'),
      /Create client, database and cache in the handler, for each request/,
    ],
    [
      'a bug of a driver',
      new TypeError("Cannot read properties of undefined (reading 'hunter2')"),
      /\(TypeError\).*without what may be secret: Cannot read properties of undefined \(reading …$/,
    ],
    ['a value that is not an error', 'hunter2', /\(Error\): check the connection string and the server\.$/],
    ['nothing', undefined, /^The database is unreachable, or its driver failed \(Error\)/],
  ])('is reported in plain words: %s', (_name, thrown, message) => {
    const error = databaseFailure(thrown)
    expect(error.message).toMatch(message)
    expect(inspect(error)).not.toContain('hunter2')
  })
})

describe('a failure in workerd, which reveals little', () => {
  it('is explained, and logged to the console once', async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { neon, neonConfig } from '@neondatabase/serverless'
          import { drizzle } from 'drizzle-orm/neon-http'
          import { createCache } from './src/index.ts'
          const warnings = []
          console.warn = (line) => warnings.push(line)
          export default {
            async fetch(request) {
              const { url, endpoint } = await request.json()
              if (endpoint) neonConfig.fetchEndpoint = endpoint
              const make = (onError) => createCache(drizzle(neon(url)), { onError })
              const read = await make('miss').get('key')
              await make('miss').get('key')
              const message = await make('throw').get('key').catch((error) => error.message)
              return Response.json({ read, message, warnings: warnings.splice(0) })
            },
          }`,
        resolveDir: process.cwd(),
      },
      bundle: true,
      format: 'esm',
      write: false,
      conditions: ['workerd'],
      tsconfigRaw: {},
    })
    const worker = await startWorker(outputFiles[0]?.text ?? '', { bindings: {} })
    const endpoint = `http://127.0.0.1:${NOBODYS_PORT}/sql`
    for (const [body, message] of [
      [{ url: '' }, EMPTY],
      [{ url: 'postgresql://u:hunter2@127.0.0.1/db' }, NOT_NEON],
      [
        { url: 'postgresql://u:hunter2@a/db', endpoint },
        /refused the connection, or it was lost\. If the host is not Neon's/,
      ],
    ] as const) {
      const answer = await (await fetch(worker, { method: 'POST', body: JSON.stringify(body) })).json()
      expect(answer).toEqual({ message: expect.stringMatching(message), warnings: [expect.any(String)] })
    }
  })
})

describe('the message of a driver', () => {
  // No value shares six letters with a word that any message has.
  const secret = fc.oneof(
    fc.stringMatching(/^(?:[A-Za-z@#%&/?=+][0-9]){4,12}$/),
    fc.constantFrom('correcthorsebattery', 'zanzibarquokka', 'hunter2hunter2', 'p@ss w0rd zanzibar', 'пароль-пароль'),
  )
  const encodings: ((text: string) => string)[] = [
    (text) => text,
    encodeURIComponent,
    (text) => encodeURIComponent(encodeURIComponent(text)),
    (text) => Buffer.from(text).toString('base64'),
    (text) => Buffer.from(text).toString('hex'),
    (text) => text.toUpperCase(),
    (text) => [...text].reverse().join(''),
    (text) => text.slice(2),
    (text) => text.slice(0, -2),
    (text) => JSON.stringify(JSON.stringify(text)),
  ]
  const carriers: ((text: string) => string)[] = [
    (text) => `Error connecting to database: postgresql://user:${text}@host.example/db was refused by the server`,
    (text) => `connection to server at "host", user=app password=${text} failed: timeout`,
    (text) => `invalid value ${text} for the parameter $1 of the query`,
    (text) => `the server closed the connection: ${text}`,
    (text) => `failed: key '${text} is not valid for this connection`,
    (text) => `the connection was closed\n    at ${text} (file:///x.js:1:1)\n    at ${text}:1:1`,
    (text) => `Key (key)=(${text}) already exists in the table`,
    (text) => text,
  ]

  it('shows no part of a value, in any encoding and place', () => {
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom(...encodings),
        fc.constantFrom(...carriers),
        fc.constantFrom(undefined, '22P02', '23505', 'P0001', '08006', 'XX000', 'ECONNRESET'),
        fc.boolean(),
        (password, encode, carry, code, isWrapped) => {
          const shown = encode(password)
          const thrown = Object.assign(new Error(carry(shown)), {
            code,
            detail: shown,
            query: shown,
            parameters: [shown],
            hint: shown,
            [shown]: shown,
          })
          // A message that was changed after the stack was captured.
          if (isWrapped) thrown.message = `the server said no to ${shown}`
          const wrapped = isWrapped ? new Error(`Failed query: ${shown}`, { cause: thrown }) : thrown
          const error = databaseFailure(wrapped)
          const seen =
            inspect(error, { depth: 10, showHidden: true }) + error.stack + JSON.stringify(error) + error.message
          for (const part of [password, shown, password.slice(0, 6), password.slice(-6)]) {
            expect(seen.includes(part)).toBe(false)
          }
        },
      ),
      { numRuns: 3_000 },
    )
  })

  it('keeps the words that every driver uses', () => {
    expect(databaseFailure(new Error('the server hunter2 refused to parse this message')).message).toMatch(
      /without what may be secret: the server … refused to parse this message$/,
    )
  })

  it('keeps the place where it was thrown', () => {
    function driverInternals() {
      throw new Error('the server hunter2 refused the message')
    }
    try {
      driverInternals()
    } catch (error) {
      expect(inspect(databaseFailure(error))).toMatch(
        /\[cause\]: Error: the server … refused the message\n\s+at driverInternals \(/,
      )
    }
  })

  it('is processed quickly, however long it is', () => {
    for (const text of [
      `${'('.repeat(1e6)}`,
      `"${"'".repeat(1e6)}`,
      'a '.repeat(1e6),
      `exceeded the ${'x'.repeat(1e6)}`,
    ]) {
      expect(databaseFailure(new Error(text)).message.length).toBeLessThan(2_000)
    }
  })
})
