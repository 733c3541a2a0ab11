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
  /** Leaves no room at all. */
  fill(): Promise<void>
}

/** Undefined if this machine lets nobody mount one. */
export async function mountSmallDisk(megabytes: number): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'pgstash-disk-'))
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
  const { uid = 0, gid = 0 } = await nobody()
  await chown(folder, uid, gid)
  return { folder, fill: () => fillUp(join(folder, 'ballast')) }
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
