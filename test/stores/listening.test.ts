/** A listening connection that dies silently: `listen` notices, reconnects, and drops copies that may be outdated. */
import { type AddressInfo, createServer } from 'node:net'
import { Client as NeonClient, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import {
  type Cache,
  createCache,
  type Listening,
  type ListeningClient,
  type ListenOptions,
  listen,
  memoryCache,
  tieredCache,
} from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { pause } from '../fill/clients.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createLonelyDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { pgbouncerPath, startPgBouncer } from '../setup/pgbouncer.ts'
import { buildScript } from '../setup/run-script.ts'
import { startTcpRelay, type TcpRelay } from '../setup/tcp-relay.ts'
import { startRelay } from '../setup/websocket-relay.ts'

const CHANNEL = 'cache'
/** On a slow machine, a false alarm only opens one more connection. */
const RULES = { heartbeat: 50, timeout: 1_000 } as const

let url: string
let pool: pg.Pool
let writer: Cache

beforeAll(async () => {
  url = await createLonelyDatabase()
  pool = createPool(url)
  const db = drizzle(pool)
  await migrate(db, { notify: CHANNEL })
  writer = createCache(db, { timeout: 60_000 })
})

/** Each creates clients for a database. */
const drivers: Record<string, (to: string) => Promise<() => ListeningClient & { processID?: number | null }>> = {
  pg: async (to) => () => new pg.Client(to),
  'neon-serverless': async (to) => {
    const relay = await startRelay(to)
    neonConfig.webSocketConstructor = WebSocket
    neonConfig.wsProxy = () => relay
    Object.assign(neonConfig, { useSecureWebSocket: false, pipelineTLS: false, pipelineConnect: false })
    return () => new NeonClient(to)
  },
}

interface Reader {
  readonly cache: Cache
  readonly listening: Listening
  readonly clients: (ListeningClient & { processID?: number | null })[]
  readonly errors: unknown[]
}

/** A tier that has a copy of `key`, and listens. */
async function startReader(connect: () => ListeningClient, options: Partial<ListenOptions> = RULES): Promise<Reader> {
  const l2 = createCache(drizzle(pool), { timeout: 60_000 })
  const cache = tieredCache({ l1: memoryCache(), l2, l1Expiration: '1h' })
  const clients: ListeningClient[] = []
  const errors: unknown[] = []
  const listening = listen(cache, {
    channel: CHANNEL,
    connect() {
      const client = connect()
      clients.push(client)
      return client
    },
    onError: (error) => void errors.push(error),
    ...options,
  })
  cleanup(() => listening.close())
  await listening.ready
  await writer.set('key', 'old')
  await eventually(async () => expect(await cache.get('key')).toBe('old'))
  return { cache, listening, clients, errors }
}

/** The server process that serves a client. */
function backendOf(client: { processID?: number | null } | undefined): number {
  const { processID } = client ?? {}
  // A signal to process 0 would reach this process.
  if (!processID) throw new Error('Expected the client to be connected.')
  return processID
}

/** Sends a signal to the newest backend. On a slow machine, a false alarm may have replaced earlier clients. */
function signalBackend({ clients }: Reader, signal: 'SIGSTOP' | 'SIGKILL') {
  return eventually(() => {
    const backend = backendOf(clients.at(-1))
    process.kill(backend, signal)
    return { backend, before: clients.length }
  })
}

const silences: Record<string, (relay: TcpRelay) => void> = {
  'is dropped by the network': (relay) => relay.forgetConnections(),
  'passes nothing from the server': (relay) => relay.muteServer(),
  'has lost its server silently': (relay) => relay.loseServer(),
}

describe.each(Object.entries(drivers))('a listening connection of %s', (_name, driver) => {
  it.each(Object.entries(silences))(
    'that %s is replaced, and copies that may be outdated are dropped',
    async (_how, silence) => {
      const relay = await startTcpRelay(url)
      const { cache, listening, clients, errors } = await startReader(await driver(relay.url))
      const before = clients.length
      silence(relay)
      await writer.set('key', 'new')
      await eventually(async () => expect(await cache.get('key')).toBe('new'))
      await eventually(() => expect(clients.length).toBeGreaterThan(before))
      expect(errors).toContainEqual(expect.objectContaining({ code: 'DATABASE' }))
      // The new connection receives notifications.
      await eventually(async () => {
        await writer.set('key', 'newer')
        expect(await cache.get('key')).toBe('newer')
      })
      await listening.close()
      await eventually(() => expect(relay.open).toBe(0))
    },
  )

  it('is replaced if its backend is paused', async () => {
    const reader = await startReader(await driver(url))
    const { cache, clients, listening } = reader
    const { backend, before } = await signalBackend(reader, 'SIGSTOP')
    onTestFinished(() => void process.kill(backend, 'SIGCONT'))
    await eventually(() => expect(clients.length).toBeGreaterThan(before))
    await eventually(async () => {
      await writer.set('key', 'new')
      expect(await cache.get('key')).toBe('new')
    })
    await listening.close()
  })
})

it('listen reconnects after a server crash', async () => {
  const reader = await startReader(() => new pg.Client(url))
  const { cache, clients } = reader
  const { before } = await signalBackend(reader, 'SIGKILL')
  await eventually(() => expect(clients.length).toBeGreaterThan(before))
  await eventually(async () => {
    await writer.set('key', 'after the crash')
    expect(await cache.get('key')).toBe('after the crash')
  })
})

it('listen gives up on a server that accepts connections but never answers', async () => {
  const relay = await startTcpRelay(url)
  const { clients, errors } = await startReader(() => new pg.Client(relay.url), { heartbeat: 50, timeout: 200 })
  relay.isDeaf = true
  relay.forgetConnections()
  await eventually(() => expect(clients.length).toBeGreaterThan(3))
  expect(errors.every((error) => error instanceof Error)).toBe(true)
  // The connections given up are closed.
  await eventually(() => expect(relay.open).toBeLessThanOrEqual(1))
})

it.each(['gives up', 'is closed'])(
  'listen %s while a WebSocket never opens, without an uncaught error',
  async (how) => {
    let open = 0
    const deaf = createServer((socket) => {
      open++
      socket
        .on('close', () => open--)
        .on('error', () => {})
        .resume()
    })
    const port = await new Promise<number>((resolve) => {
      deaf.listen(0, '127.0.0.1', () => resolve((deaf.address() as AddressInfo).port))
    })
    cleanup(() => deaf.close())
    const errors: unknown[] = []
    let clients = 0
    const listening = listen(tieredCache({ l1: memoryCache(), l2: memoryCache() }), {
      channel: CHANNEL,
      connect() {
        clients++
        const client = new NeonClient(url)
        Object.assign(client.neonConfig, {
          webSocketConstructor: WebSocket,
          useSecureWebSocket: false,
          pipelineConnect: false,
        })
        client.neonConfig.wsProxy = () => `127.0.0.1:${port}`
        return client
      },
      onError: (error) => void errors.push(error),
      timeout: how === 'gives up' ? 200 : '1m',
    })
    cleanup(() => listening.close())
    await eventually(() => expect(open).toBe(1))
    if (how === 'gives up') await eventually(() => expect(clients).toBeGreaterThan(3))
    await listening.close()
    await eventually(() => expect(open).toBe(0))
    expect(errors.every((error) => error instanceof Error)).toBe(true)
  },
)

it('listen ends a client that hides its socket and never connected', async () => {
  let ends = 0
  const hidden: ListeningClient = {
    connect: () => new Promise(() => {}),
    query: async () => ({}),
    end: async () => ends++,
    on: () => {},
  }
  const cache = tieredCache({ l1: memoryCache(), l2: memoryCache() })
  const listening = listen(cache, { channel: CHANNEL, connect: () => hidden, onError: () => {}, timeout: '1m' })
  await listening.close()
  expect(ends).toBe(1)
})

describe.skipIf(pgbouncerPath === undefined)('through PgBouncer with transaction pooling', () => {
  it('reports that the session no longer listens', async () => {
    const bouncer = await startPgBouncer(url, 2)
    const { errors } = await startReader(() => new pg.Client(bouncer))
    const other = createPool(bouncer, { max: 1 })
    const holder = await other.connect()
    await eventually(async () => {
      // Takes one of the two sessions for some heartbeats. One of the two never listened.
      await holder.query('begin')
      await pause(200)
      await holder.query('commit')
      expect(errors).toContainEqual(expect.objectContaining({ message: expect.stringContaining('direct host') }))
    })
    holder.release()
  })
})

it('heartbeats end with the connection, and `heartbeat: false` sends none', async () => {
  const counted = () => {
    const client = new pg.Client(url)
    const sent: string[] = []
    const query = client.query.bind(client) as (text: string) => Promise<unknown>
    const count = (text: string) => {
      sent.push(text)
      return query(text)
    }
    return Object.assign(client, { sent, query: count })
  }
  const [beating, silent] = [counted(), counted()]
  const first = await startReader(() => beating, { heartbeat: 10, timeout: '1m' })
  const second = await startReader(() => silent, { heartbeat: false, timeout: '1m' })
  await eventually(() => expect(beating.sent.length).toBeGreaterThan(5))
  await first.listening.close()
  const sent = beating.sent.length
  await second.listening.close()
  expect([beating.sent.length, silent.sent]).toEqual([sent, [`listen "${CHANNEL}"`]])
})

it('listen works for a role without the right to query channels', async () => {
  const role = `listener_${crypto.randomUUID().slice(0, 8)}`
  await pool.query(`create role ${role} login password 'l'`)
  await pool.query('revoke execute on function pg_listening_channels() from public')
  const own = new URL(url)
  Object.assign(own, { username: role, password: 'l' })
  const options = { heartbeat: 10, timeout: '1m' } as const
  const { clients, errors, listening } = await startReader(() => new pg.Client(own.href), options)
  const asked = `select from pg_stat_activity where usename = '${role}' and query like '%pg_listening_channels%'`
  await eventually(async () => expect((await pool.query(asked)).rowCount).toBe(1))
  await listening.close()
  expect([clients.length, errors]).toEqual([1, []])
  await pool.query('grant execute on function pg_listening_channels() to public')
  await pool.query(`drop role ${role}`)
})

it('timers of listen keep no process alive, neither between heartbeats nor between attempts', async () => {
  const run = await buildScript(new URL('./listening-process.ts', import.meta.url))
  const scripts = [run(url, 'wait'), run('postgres://127.0.0.1:1/nowhere', 'go on')]
  expect(await Promise.all(scripts.map(({ ended }) => ended))).toEqual([0, 0])
  expect(scripts.map(({ output }) => output)).toEqual(['ready', 'ready'])
})

it.each([{ heartbeat: 0 }, { heartbeat: true }, { timeout: 'soon' }, { timeout: 0 }])(
  'listen refuses %o',
  (options) => {
    const cache = tieredCache({ l1: memoryCache(), l2: memoryCache(), l1Expiration: 1 })
    const connect = () => new pg.Client(url)
    expect(() => listen(cache, { channel: 'x', connect, ...options } as ListenOptions)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  },
)
