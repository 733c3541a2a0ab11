/** Drivers that keep connections, in workerd, where a socket belongs to one request. */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleForNodejsCompat } from '../package/bundle.ts'
import { install, linkPackages, pack, ROOT } from '../package/packed.ts'
import { startWorker } from '../package/runtimes.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'

const DRIVERS = ['client', 'pool', 'one-use-pool', 'postgres'] as const
const REQUESTS = 20

let folder: string
let database: string

beforeAll(async () => {
  folder = await install(await pack())
  await linkPackages(folder, ['pg', 'postgres', 'pg-cloudflare'])
  await cp(join(ROOT, 'test/package/probes'), join(folder, 'probes'), { recursive: true })
  await cp(join(ROOT, 'docs/snippets'), join(folder, 'snippets'), { recursive: true })
  database = await createDatabase()
  await migrate(drizzle(createPool(database)))
})

async function serve(file: string): Promise<(path: string) => Promise<Response>> {
  const script = await bundleForNodejsCompat({ entry: `export { default } from './${file}'`, folder })
  const compatibilityFlags = ['nodejs_compat']
  const url = await startWorker(script, { bindings: {}, compatibilityFlags, hyperdrive: database })
  return (path) => fetch(`${url}${path}`)
}

describe('in workerd', () => {
  let ask: (path: string) => Promise<unknown>

  beforeAll(async () => {
    const request = await serve('probes/tcp.ts')
    ask = async (path) => (await request(path)).json()
  })

  it.each(DRIVERS)('serves concurrent and consecutive requests with a %s per request', async (driver) => {
    const path = (i: number) => `/own/${driver}?key=${driver}-${i % 3}`
    const right = (i: number) => ({ computed: 'computed', read: `${driver}-${i % 3}`, counted: true })
    const indexes = Array.from({ length: REQUESTS }, (_, i) => i)
    expect(await Promise.all(indexes.map((i) => ask(path(i))))).toEqual(indexes.map(right))
    for (const i of indexes.slice(0, 5)) expect(await ask(path(i))).toEqual(right(i))
  })

  it.each(['client', 'pool', 'postgres'])(
    'refuses a %s that all requests share, in all requests but the first',
    async (driver) => {
      const first = await ask(`/shared/${driver}?key=shared`)
      expect(first).toEqual({ computed: 'computed', read: 'shared', counted: true })
      for (const path of [`/shared/${driver}`, `/shared/${driver}`]) {
        expect(await ask(path)).toEqual({
          code: 'INVALID_OPTION',
          message: expect.stringMatching(/Another request used the database's client.+Create client.+in the handler/),
        })
      }
    },
  )

  it('accepts a shared pool that closes each connection after one use', async () => {
    const right = { computed: 'computed', read: 'key', counted: true }
    for (let i = 0; i < 4; i++) expect(await ask('/shared/one-use-pool')).toEqual(right)
  })

  it('says why a client does not answer if other code used it in an earlier request', async () => {
    expect(await ask('/used-before')).toBe('connected')
    expect(await ask('/used-before')).toMatchObject({ message: expect.stringContaining('in the handler') })
  })
})

it('refuses a shared client even with onError: miss, because the cache would never hit', async () => {
  const request = await serve('probes/tcp.ts')
  expect(await (await request('/shared/client?miss')).json()).toMatchObject({ computed: 'computed' })
  expect(await (await request('/shared/client?miss')).json()).toMatchObject({ code: 'INVALID_OPTION' })
})

describe.each(['hyperdrive.ts', 'providers/hyperdrive.ts'])('docs/snippets/%s', (snippet) => {
  it('answers from the cache, and leaves no connection behind', async () => {
    const request = await serve(`snippets/${snippet}`)
    const bodies = await Promise.all(Array.from({ length: REQUESTS }, async () => (await request('/page')).text()))
    expect(bodies[0]).toMatch(/^Computed at \d{4}-/)
    expect(new Set(bodies).size).toBe(1)
    expect(await (await request('/page')).text()).toBe(bodies[0])
    const pool = createPool(database, { max: 1 })
    const others = `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
      and backend_type = 'client backend' and application_name = ''`
    await eventually(async () => expect((await pool.query(others)).rows).toEqual([]))
  })
})
