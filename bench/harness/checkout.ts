/** Loads built versions of pgstash: the one of this checkout, and any others that are compared with it. */
import { access, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { neon, neonConfig } from '@neondatabase/serverless'
import type pg from 'pg'
import type { Cache, CacheOptions, Database } from 'pgstash'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Loopback only. The connection strings of local endpoints carry their port. */
neonConfig.fetchEndpoint = (_host, port) => `http://127.0.0.1:${port}/sql`

/** Longer than any call of a benchmark takes on a busy machine. */
const TIMEOUT_MS = 600_000

export interface Checkout {
  /** The name in tables: `pgstash`, or `pgstash (before)`. */
  readonly label: string
  readonly root: string
  readonly version: string
  readonly core: typeof import('pgstash')
  /** Loads another entry, such as `fetch` or `drizzle`. */
  entry<T>(name: string): Promise<T>
  /** A Drizzle database of this checkout's own Drizzle. */
  overPool(pool: pg.Pool): Database
  overNeon(connectionString: string): Database
  /** Creates the tables, and whatever else this version installs. */
  migrate(db: Database): Promise<void>
  cache(db: Database, options?: CacheOptions): Cache
}

/** @param folder a checkout that was built */
export async function loadCheckout(folder: string, name?: string): Promise<Checkout> {
  const root = resolve(folder)
  const load = <T>(path: string) => import(pathToFileURL(join(root, path)).href) as Promise<T>
  await access(join(root, 'dist/index.js')).catch(() => {
    throw new Error(`Expected a built checkout of pgstash in ${basename(root)}: run \`npm run build\` there first.`)
  })
  const core = await load<typeof import('pgstash')>('dist/index.js')
  const { migrate } = await load<typeof import('pgstash/migrate')>('dist/migrate/index.js')
  const drizzle = 'node_modules/drizzle-orm'
  const pool = await load<typeof import('drizzle-orm/node-postgres')>(`${drizzle}/node-postgres/index.js`)
  const http = await load<typeof import('drizzle-orm/neon-http')>(`${drizzle}/neon-http/index.js`)
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return {
    label: name === undefined ? 'pgstash' : `pgstash (${name})`,
    root,
    version,
    core,
    entry: (entry) => load(`dist/${entry}/index.js`),
    overPool: (client) => pool.drizzle(client),
    overNeon: (connectionString) => http.drizzle({ client: neon(connectionString) }),
    migrate: (db) => migrate(db),
    cache: (db, options) => core.createCache(db, { timeout: TIMEOUT_MS, ...options }),
  }
}

/** Reads `--pgstash` options: `../before`, or `label=../before`. The current checkout comes first. */
export async function loadCheckouts(others: readonly string[]): Promise<Checkout[]> {
  const checkouts = [await loadCheckout(ROOT)]
  for (const other of others) {
    const [, label, folder = other] = /^([\w .-]+)=(.+)$/.exec(other) ?? []
    checkouts.push(await loadCheckout(folder, label ?? basename(resolve(folder))))
  }
  return checkouts
}
