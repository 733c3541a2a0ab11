/** The tools of a question: a Postgres server of its own, endpoints, delays, and Redis if it is installed. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from '../../test/setup/free-port.ts'
import { startServer } from '../../test/setup/server.ts'
import type { Checkout } from './checkout.ts'
import { type Child, startChild } from './child.ts'
import type { Settings } from './settings.ts'

/** All pools have the same size, so that no provider gets more of the server than another. */
export const POOL_SIZE = 8

/** The defaults of Postgres, except that a checkpoint does not fall into the middle of a round. */
export const SERVER_SETTINGS = ['max_connections=400', 'max_wal_size=8GB', 'checkpoint_timeout=1h']

export interface Bench {
  readonly settings: Settings
  /** The current version first. */
  readonly checkouts: readonly Checkout[]
  /** An empty database of the server; returns its URL. */
  createDatabase(): Promise<string>
  createPool(url: string, options?: pg.PoolConfig): pg.Pool
  /** A connection of its own, whose server process serves nothing else. */
  connect(url: string): Promise<pg.Client>
  /** Starts a local Neon endpoint in a process of its own and returns its connection string. */
  neon(database: string, roundTripMs?: number): Promise<string>
  /** The same address, with a longer round trip. */
  delayed(url: string, roundTripMs: number): Promise<string>
  /** The URL of a Redis server; undefined if `redis-server` is not installed. */
  redis(): Promise<string | undefined>
  /** The URL of an endpoint that speaks Upstash's REST protocol. */
  upstash(): Promise<string>
  onClose(work: () => unknown): void
  close(): Promise<void>
}

export async function openBench(settings: Settings, checkouts: readonly Checkout[]): Promise<Bench> {
  const closers: (() => unknown)[] = []
  const onClose = (work: () => unknown) => closers.push(work)
  const server = await startServer(SERVER_SETTINGS)
  onClose(server.stop)
  const children = new Map<string, Child>()
  const child = (file: string) => {
    const started = children.get(file) ?? startChild(file)
    if (!children.has(file)) onClose(started.stop)
    children.set(file, started)
    return started
  }
  let redis: Promise<string | undefined> | undefined
  let upstash: Promise<string> | undefined
  let databases = 0

  const bench: Bench = {
    settings,
    checkouts,
    onClose,
    async createDatabase() {
      const name = `bench_${++databases}`
      const client = new pg.Client(server.url)
      await client.connect()
      await client.query(`create database ${name}`)
      await client.end()
      return server.url.replace(/\/postgres$/, `/${name}`)
    },
    createPool(url, options) {
      const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE, ...options })
      pool.on('error', () => {})
      onClose(() => (pool.ended ? undefined : pool.end()))
      return pool
    },
    async connect(url) {
      const client = new pg.Client(url)
      client.on('error', () => {})
      await client.connect()
      onClose(() => client.end())
      return client
    },
    async neon(database, roundTripMs = 0) {
      const dist = `${checkouts[0]?.root}/dist`
      const url = await child('neon.ts').ask<string>({ dist, database })
      return bench.delayed(url, roundTripMs)
    },
    async delayed(url, roundTripMs) {
      if (roundTripMs === 0) return url
      const changed = new URL(url)
      const host = changed.hostname === 'localhost' ? '127.0.0.1' : changed.hostname
      const port = await child('delay.ts').ask<number>({ host, port: Number(changed.port), roundTripMs })
      changed.port = String(port)
      return changed.href.replace(/\/$/, '')
    },
    redis() {
      redis ??= startRedis(onClose)
      return redis
    },
    upstash() {
      upstash ??= bench.redis().then((url) => child('redis-rest.ts').ask<string>({ redis: url }))
      return upstash
    },
    async close() {
      for (const work of closers.splice(0).reverse()) await work()
    },
  }
  return bench
}

/** The version of the `redis-server` on this machine; undefined without one. */
export async function redisVersion(): Promise<string | undefined> {
  const run = promisify(execFile)
  return run('redis-server', ['--version']).then(
    ({ stdout }) => /v=(\S+)/.exec(stdout)?.[1],
    () => undefined,
  )
}

async function startRedis(onClose: (work: () => unknown) => void): Promise<string | undefined> {
  if ((await redisVersion()) === undefined) return undefined
  const port = await freePort()
  // Nothing is written to disk, as in a cache.
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server: ChildProcess = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  onClose(() => server.kill())
  await new Promise<void>((resolve, reject) => {
    let log = ''
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`Redis ended before it was ready:\n${log}`)))
    server.stdout?.on('data', (chunk) => {
      log = (log + chunk).slice(-2_000)
      if (log.includes('Ready to accept connections')) resolve()
    })
  })
  return `redis://127.0.0.1:${port}`
}
