/** Real servers whose history goes back: a promoted standby, a crash that loses commits, an older data folder. */
import type { ChildProcess } from 'node:child_process'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chown, cp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { cleanup } from './cleanup.ts'
import { freePort } from './free-port.ts'
import { findPlace, type Place } from './postgres-place.ts'
import { initialize, installedBinaries, launch, stopped } from './server.ts'

const exec = promisify(execFile)

/** Commits are flushed late, so that a crash loses them. Nothing else takes ids. */
const SETTINGS = [
  'autovacuum=off',
  'synchronous_commit=off',
  'wal_writer_delay=10s',
  'wal_retrieve_retry_interval=100ms',
  'max_connections=200',
]

/** A server that tests may stop, kill, copy and start again. */
export interface Member {
  readonly url: string
  start(settings?: readonly string[]): Promise<void>
  stop(): Promise<void>
  /** Copies the data folder of a server that is stopped. The copy is not started. */
  copy(): Promise<Member>
  /** Makes a copy follow another member when it starts. */
  follow(primary: Member): Promise<void>
  /** From now on, no commit is flushed until the server crashes or stops. */
  stopFlushing(): Promise<void>
  /** Kills a process of the server. The server then restarts the others, and recovers the flushed commits. */
  crash(): Promise<void>
}

export async function createMember(): Promise<Member> {
  const place = await findPlace(await installedBinaries())
  cleanup(() => rm(place.folder, { recursive: true, force: true }))
  await initialize(place)
  const member = await memberIn(place)
  await member.start()
  return member
}

async function memberIn(place: Place): Promise<Member> {
  const port = await freePort()
  const url = urlAt(port)
  let server: ChildProcess | undefined
  let following: string[] = []
  let pausedWriter: number | undefined
  async function stop(): Promise<void> {
    // The server waits until all of its processes have ended.
    if (pausedWriter !== undefined) process.kill(pausedWriter, 'SIGCONT')
    pausedWriter = undefined
    if (server !== undefined) await stopped(server)
    server = undefined
  }
  cleanup(stop)
  return {
    url,
    stop,
    async start(settings = []) {
      server = await launch(place, port, [...SETTINGS, ...following, ...settings])
    },
    async copy() {
      const next = await findPlace(await installedBinaries())
      cleanup(() => rm(next.folder, { recursive: true, force: true }))
      await cp(join(place.folder, 'data'), join(next.folder, 'data'), { recursive: true })
      await own(next)
      return memberIn(next)
    },
    async follow(primary) {
      const { port, password } = new URL(primary.url)
      const signal = join(place.folder, 'data', 'standby.signal')
      await writeFile(signal, '')
      if (place.account.uid !== undefined) await chown(signal, place.account.uid, place.account.gid)
      following = [`primary_conninfo=host=127.0.0.1 port=${port} user=postgres password=${password}`]
    },
    async stopFlushing() {
      const client = new pg.Client(url)
      await client.connect()
      pausedWriter = await walWriterOf(client)
      process.kill(pausedWriter, 'SIGSTOP')
      await client.end()
    },
    async crash() {
      const witness = new pg.Client(url)
      witness.on('error', () => {})
      await witness.connect()
      const noticed = new Promise((resolve) => witness.once('end', resolve))
      // Any process would do. This one flushes nothing more, and ends even if it is paused.
      process.kill(await walWriterOf(witness), 'SIGKILL')
      pausedWriter = undefined
      // The server ends all of its processes once it notices that one died.
      await noticed
      await answers(url)
    },
  }
}

async function walWriterOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query("select pid from pg_stat_activity where backend_type = 'walwriter'")
  return rows[0].pid
}

/** A copied folder belongs to the user who copied it. */
async function own({ account, folder }: Place): Promise<void> {
  if (account.uid !== undefined) await exec('chown', ['-R', `${account.uid}:${account.gid}`, folder])
  await exec('chmod', ['700', join(folder, 'data')])
}

/** Resolves once the server takes statements again. */
async function answers(url: string): Promise<void> {
  for (;;) {
    const client = new pg.Client(url)
    client.on('error', () => {})
    try {
      await client.connect()
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    } finally {
      await client.end().catch(() => {})
    }
  }
}

function urlAt(port: number): string {
  return `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`
}

export interface Address {
  /** Stays the same if the server behind it changes. */
  readonly url: string
  /** From now on, connections lead to another server or database. Open connections are closed. */
  lead(to: string): void
}

/** An address that moves from one server to another, as at a failover of a cluster. */
export async function createAddress(first: string): Promise<Address> {
  let target = new URL(first)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  const close = () => {
    for (const socket of sockets) socket.destroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => {
    close()
    server.close()
  })
  return {
    url: urlAt((server.address() as AddressInfo).port),
    lead(to) {
      target = new URL(to)
      close()
    },
  }
}
