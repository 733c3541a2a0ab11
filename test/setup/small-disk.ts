/** A disk of a few megabytes, for databases that fill it. Only root can make one, and only on Linux. */
import { execFile } from 'node:child_process'
import { chown, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cleanup } from './cleanup.ts'
import { nobody } from './postgres-place.ts'

const exec = promisify(execFile)

export interface SmallDisk {
  readonly folder: string
  /** Fills the disk. */
  fill(): Promise<void>
}

/** Undefined if this user cannot mount one. */
export async function mountSmallDisk(megabytes: number): Promise<SmallDisk | undefined> {
  const { uid = 0, gid = 0 } = await nobody()
  const folder = await reachableFolder(uid, gid)
  if (folder === undefined) return undefined
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    await exec('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', folder])
  } catch {
    await remove()
    return undefined
  }
  cleanup(async () => {
    await exec('umount', [folder])
    await remove()
  })
  await chown(folder, uid, gid)
  return { folder, fill: () => fillUp(join(folder, 'ballast')) }
}

/** A new folder. The server's account may not enter every folder for temporary files, such as one that `mktemp -d` made. */
async function reachableFolder(uid: number, gid: number): Promise<string | undefined> {
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    const folder = await mkdtemp(join(parent, 'pgstash-disk-')).catch(() => undefined)
    if (folder === undefined) continue
    try {
      await chown(folder, uid, gid)
      await exec('ls', [folder], { uid, gid, cwd: '/' })
      return folder
    } catch {
      await rm(folder, { recursive: true, force: true })
    }
  }
  return undefined
}

async function fillUp(path: string): Promise<void> {
  const file = await open(path, 'a')
  try {
    for (;;) await file.write(Buffer.alloc(4_096, 1))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
}
