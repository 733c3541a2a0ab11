/** Chooses the port of `pgstash dev`: the same at each start if it is free, so that written settings stay valid. */
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { LOCAL_NEON_PORT } from '../local-neon/enable-local-neon.ts'

const PORT_FILE = '.pgstash.port'

/**
 * Returns the port of the last start in this folder, or the default. Returns 0 (any free port) if that port is in use.
 */
export async function choosePort(folder: string): Promise<number> {
  const port = await savedPort(folder)
  return (await isFree(port)) ? port : 0
}

export async function savedPort(folder: string): Promise<number> {
  const text = await readFile(join(folder, PORT_FILE), 'utf8').catch(() => '')
  return /^\d{4,5}\s*$/.test(text) && Number(text) < 65_536 ? Number(text) : LOCAL_NEON_PORT
}

export async function savePort(folder: string, port: number): Promise<void> {
  await writeFile(join(folder, PORT_FILE), `${port}\n`, { mode: 0o600 })
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
