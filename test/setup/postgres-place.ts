/**
 * Finds a folder and a user for a Postgres server of the tests.
 *
 * Postgres refuses to run as root, so root's tests run it as `nobody`. That user may not enter a checkout in root's home, a folder
 * of `mktemp -d`, or files that were created with a strict umask.
 */
import { execFile } from 'node:child_process'
import { chown, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)

/** The user of a child process; empty for the user of this one. */
export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>

export interface Place {
  readonly account: Account
  /** A new folder that belongs to the account. */
  readonly folder: string
  /** The folder of `initdb` and `postgres`. */
  readonly bin: string
}

/**
 * Makes a folder for a server's files, and copies the binaries there if the account cannot run them where they are.
 *
 * @param bin The folder of the installed binaries. Their libraries are next to it.
 * @throws Error that says what to do, if the account may use no folder for temporary files
 */
export async function findPlace(bin: string, isRoot = process.getuid?.() === 0): Promise<Place> {
  const account = isRoot ? await nobody() : {}
  const refusals: string[] = []
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    const folder = await mkdtemp(join(parent, 'pgstash-test-')).catch(() => undefined)
    if (folder === undefined) continue
    try {
      if (account.uid !== undefined) await chown(folder, account.uid, account.gid)
      await runAs(account, 'ls', folder)
      return { account, folder, bin: await usableBinaries(bin, folder, account) }
    } catch (error) {
      refusals.push(`${parent}: ${(error as Error).message.trim().split('\n').at(-1)}`)
      await rm(folder, { recursive: true, force: true })
    }
  }
  const who = isRoot ? 'the user nobody, because Postgres refuses to run as root' : 'this user'
  throw new Error(`Expected a folder in which ${who}, can run a server; set TMPDIR to one. ${refusals.join('; ')}`)
}

async function usableBinaries(bin: string, folder: string, account: Account): Promise<string> {
  if (await canUse(bin, account)) return bin
  const copy = join(folder, 'postgres')
  await cp(dirname(bin), copy, { recursive: true, verbatimSymlinks: true })
  await exec('chmod', ['-R', 'a+rX,u+w', copy])
  await runAs(account, join(copy, 'bin', 'initdb'), '--version')
  return join(copy, 'bin')
}

/** Copies the programs and the files in `share`, because a strict umask hides both. */
async function canUse(bin: string, account: Account): Promise<boolean> {
  if (account.uid === undefined) return true
  const attempts = [runAs(account, join(bin, 'initdb'), '--version'), runAs(account, 'ls', join(bin, '../share'))]
  return (await Promise.allSettled(attempts)).every(({ status }) => status === 'fulfilled')
}

export async function nobody(): Promise<Account> {
  const ids = ['-u', '-g'].map(async (flag) => Number((await exec('id', [flag, 'nobody'])).stdout))
  const [uid = 0, gid = 0] = await Promise.all(ids).catch(() => {
    throw new Error(
      'Expected a user named nobody, because Postgres refuses to run as root: run the tests as another user.',
    )
  })
  return { uid, gid }
}

async function runAs(account: Account, program: string, ...args: string[]): Promise<void> {
  // Run it in the root folder, because the account may be unable to enter this one.
  await exec(program, args, { ...account, cwd: '/' })
}
