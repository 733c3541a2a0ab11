/** A streaming standby of a test's server. It replays what the primary commits, and refuses every write until it is promoted. */
import { execFile } from 'node:child_process'
import { chmod, cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { findPlace } from './postgres-place.ts'
import { installedBinaries, launch, type Server, stopped } from './server.ts'

const exec = promisify(execFile)

export interface Standby extends Server {
  /** Waits until everything that the primary has committed by now is visible here. */
  catchUp(): Promise<void>
  promote(): Promise<void>
}

export async function startStandby(primary: Server): Promise<Standby> {
  const place = await findPlace(await installedBinaries())
  const port = await freePort()
  const data = join(place.folder, 'data')
  // Copy the files of the running primary within a backup, because the binaries of npm lack pg_basebackup.
  const label = await whileBackingUp(primary.url, () =>
    cp(join(primary.folder, 'data'), data, { recursive: true, preserveTimestamps: true }),
  )
  await rm(join(data, 'postmaster.pid'))
  await writeFile(join(data, 'backup_label'), label)
  await writeFile(join(data, 'standby.signal'), '')
  if (place.account.uid !== undefined) await exec('chown', ['-R', `${place.account.uid}:${place.account.gid}`, data])
  await chmod(data, 0o700)
  const { hostname, port: from, username, password } = new URL(primary.url)
  const conninfo = `host=${hostname} port=${from} user=${username} password=${password}`
  const server = await launch(place, port, [`primary_conninfo=${conninfo}`, 'max_connections=200', 'hot_standby=on'])
  const url = new URL(primary.url)
  url.port = String(port)
  return {
    url: url.href,
    folder: place.folder,
    async catchUp() {
      const position = await one(primary.url, 'select pg_current_wal_flush_lsn()::text as value')
      while (
        (await one(url.href, `select (pg_last_wal_replay_lsn() >= '${position}'::pg_lsn)::text as value`)) !== 'true'
      ) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    async promote() {
      await one(url.href, 'select pg_promote()::text as value')
    },
    async stop() {
      await stopped(server)
      await rm(place.folder, { recursive: true, force: true })
    },
  }
}

async function whileBackingUp(url: string, copy: () => Promise<void>): Promise<string> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query("select pg_backup_start('standby', true)")
    await copy()
    const { rows } = await client.query('select labelfile from pg_backup_stop(false)')
    return rows[0].labelfile
  } finally {
    await client.end()
  }
}

async function one(url: string, statement: string): Promise<string> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(statement)).rows[0].value
  } finally {
    await client.end()
  }
}
