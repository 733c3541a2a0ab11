/** PgBouncer 1.18 of Debian, which does not support prepared statements in transaction mode. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cleanup } from './cleanup.ts'
import { freePort } from './free-port.ts'
import { nobody } from './postgres-place.ts'

/** Undefined if the machine has none. */
export const pgbouncerPath = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'].find((path) =>
  existsSync(path),
)

/**
 * Starts it in front of a database, with a number of sessions. Each transaction may get any of them.
 *
 * @param settings lines of its configuration, which come last
 */
export async function startPgBouncer(
  database: string,
  poolSize: number,
  settings: readonly string[] = [],
): Promise<string> {
  // Not in the folder for temporary files, which may be open to this user only.
  const folder = await mkdtemp(join(existsSync('/tmp') ? '/tmp' : tmpdir(), 'pgstash-pgbouncer-'))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  const server = new URL(database)
  const port = await freePort()
  const [users, configuration] = [join(folder, 'users.txt'), join(folder, 'pgbouncer.ini')]
  await writeFile(users, `"${server.username}" "${server.password}"\n`)
  await writeFile(
    configuration,
    `[databases]
* = host=${server.hostname} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${poolSize}
ignore_startup_parameters = extra_float_digits
${settings.join('\n')}
`,
  )
  // Like Postgres, it refuses to run as root.
  const account = process.getuid?.() === 0 ? await nobody() : {}
  if (account.uid !== undefined) {
    for (const path of [folder, users, configuration]) await chown(path, account.uid, account.gid)
  }
  const child = spawn(pgbouncerPath ?? '', [configuration], {
    ...account,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  cleanup(async () => {
    child.kill('SIGTERM')
    await ended
  })
  await new Promise<void>((resolve, reject) => {
    let log = ''
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`PgBouncer ended:\n${log}`)))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (log.includes('process up')) resolve()
    })
  })
  server.port = String(port)
  return server.href
}
