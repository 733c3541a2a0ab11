/** Records where a run took place, without anything that names the machine. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { cpus, platform, release, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { redisVersion, SERVER_SETTINGS } from './bench.ts'
import type { Checkout } from './checkout.ts'
import { allPeers } from './peers.ts'

export interface Environment {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  readonly postgres: string
  readonly postgresSettings: readonly string[]
  readonly redis: string
  /** Version by package; pgstash once for each checkout. */
  readonly packages: Readonly<Record<string, string>>
}

const ALWAYS = ['pg', '@neondatabase/serverless', 'drizzle-orm', 'hono', 'miniflare']

export async function environment(serverUrl: string, checkouts: readonly Checkout[]): Promise<Environment> {
  const client = new pg.Client(serverUrl)
  await client.connect()
  const { rows } = await client.query('show server_version')
  await client.end()
  const peers = await allPeers(checkouts)
  const names = new Set([...ALWAYS, ...peers.flatMap((peer) => peer.packages)])
  const versions = await Promise.all([...names].sort().map(async (name) => [name, await versionOf(name)] as const))
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release().split('-')[0]}`,
    node: process.version,
    postgres: rows[0].server_version,
    postgresSettings: SERVER_SETTINGS,
    redis: (await redisVersion()) ?? 'not installed: an in-memory stand-in answers @upstash/redis',
    packages: Object.fromEntries([...checkouts.map(({ label, version }) => [label, version] as const), ...versions]),
  }
}

/** Not every package exports its package.json, so walk up from the entry that Node finds. */
async function versionOf(name: string): Promise<string> {
  const { resolve } = createRequire(import.meta.url)
  for (let folder = dirname(resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}')
    const found = JSON.parse(text)
    if (found.name === name && found.version) return found.version
  }
  return 'unknown'
}
