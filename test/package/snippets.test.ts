import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { EdgeRuntime } from 'edge-runtime'
import { type Cache, createCache, type Database } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { GENERATED } from '../../docs/reference/generate.ts'
import { countView, logIn } from '../../docs/snippets/counters.ts'
import { countLive } from '../../docs/snippets/counting.ts'
import { expiredKeys } from '../../docs/snippets/listing.ts'
import { session, signIn } from '../../docs/snippets/sliding.ts'
import { newestKeys, setUp } from '../../docs/snippets/tables.ts'
import { product, productChanged } from '../../docs/snippets/tags.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { advance } from '../setup/postgres-store.ts'
import { bundleForEdge } from './bundle.ts'
import { install, linkPackages, pack, ROOT } from './packed.ts'
import { snippetProblems } from './snippets.ts'

const SNIPPETS = join(ROOT, 'docs/snippets')

function readSnippet(name: string): string | undefined {
  const file = join(SNIPPETS, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

/** Node 20 has no Array.fromAsync. */
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** The pages of a folder of the repository, and of the folders in it. */
function documentsIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`)
}

describe('the documents', () => {
  // The signatures and examples in a generated reference are not programs.
  const isGenerated = (name: string) => readFileSync(join(ROOT, name), 'utf8').includes(GENERATED)
  const documents = ['README.md', ...documentsIn('docs').filter((name) => !isGenerated(name))]

  it.each(documents)('%s shows only code that is a file in docs/snippets', (document) => {
    expect(snippetProblems(readFileSync(join(ROOT, document), 'utf8'), readSnippet)).toEqual([])
  })
})

describe('the check of documents', () => {
  const files: Record<string, string> = { 'one.ts': 'const one = 1\n' }
  const problems = (...lines: string[]) => snippetProblems(lines.join('\n'), (name) => files[name])

  it('accepts a block that equals its file, in a list too, and blocks of other languages', () => {
    expect(problems('<!-- snippet: one.ts -->', '```ts', 'const one = 1', '```')).toEqual([])
    expect(problems('  <!-- snippet: one.ts -->', '  ```ts', '  const one = 1', '  ```')).toEqual([])
    expect(problems('```sh', 'npm install', '```', '', '~~~', '```ts', '~~~')).toEqual([])
  })

  it('finds a block that differs from its file', () => {
    const expected = ['line 2: the block differs from docs/snippets/one.ts']
    expect(problems('<!-- snippet: one.ts -->', '```ts', 'const one = 2', '```')).toEqual(expected)
    expect(problems('<!-- snippet: one.ts -->', '```ts', 'const one = 1', '', '```')).toEqual(expected)
  })

  it('finds a file that does not exist', () => {
    const expected = ['line 2: docs/snippets/two.ts does not exist']
    expect(problems('<!-- snippet: two.ts -->', '```typescript', 'const one = 1', '```')).toEqual(expected)
  })

  it('finds a block without a marker on the line before', () => {
    const expected = 'expected <!-- snippet: name.ts --> on the line before a ts block'
    expect(problems('```ts', 'const one = 1', '```')).toEqual([`line 1: ${expected}`])
    expect(problems('<!-- snippet: one.ts -->', '', '```tsx', 'const one = 1', '```')).toEqual([
      'line 1: the marker of one.ts is not followed by a ts block',
      `line 3: ${expected}`,
    ])
  })
})

describe('the snippets', () => {
  const readme = readSnippet('quickstart.ts') ?? ''

  it('have a quick start of at most twelve lines of code', () => {
    const lines = readme.split('\n').filter((line) => line.trim() !== '')
    expect(lines.length).toBeGreaterThan(5)
    expect(lines.length).toBeLessThanOrEqual(12)
  })

  describe('on a database', () => {
    let db: NodePgDatabase
    let cache: Cache

    beforeAll(async () => {
      db = drizzle(createPool(await createDatabase()))
      await migrate(db)
      cache = createCache(db, { timeout: 60_000 })
    })

    it('count views and refuse a sixth attempt', async () => {
      expect([await countView(cache, '/'), await countView(cache, '/')]).toEqual([1, 2])
      expect(await cache.expiration('views:/')).toBeInstanceOf(Date)
      const statuses = []
      for (let i = 0; i < 6; i++) statuses.push((await logIn(cache, '::1')).status)
      expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
    })

    it('count the live entries, and list the expired ones', async () => {
      const counted = cache.namespace('counted')
      await counted.setMany({ a: 1, b: 2 })
      await counted.set('expired', 1, { expiration: 0 })
      expect(await countLive(counted, () => {})).toBe(2)
      expect(await collect(expiredKeys(counted))).toEqual(['expired'])
    })

    it('keep a product until it changes, and one that changes while it is read not at all', async () => {
      const read = (name: string) => async () => ({ id: '1', name })
      expect(await product(cache, '1', read('old'))).toEqual({ id: '1', name: 'old' })
      expect(await product(cache, '1', read('new'))).toEqual({ id: '1', name: 'old' })
      await productChanged(cache, '1')
      const changing = async () => {
        await productChanged(cache, '1')
        return { id: '1', name: 'stale' }
      }
      expect(await product(cache, '1', changing)).toEqual({ id: '1', name: 'stale' })
      expect(await product(cache, '1', read('new'))).toEqual({ id: '1', name: 'new' })
    })

    it('keep a session that is used', async () => {
      const minute = 60_000
      await signIn(cache, 'token', { userId: '42' })
      for (let i = 0; i < 3; i++) {
        await advance(db, 20 * minute)
        expect(await session(cache, 'token')).toEqual({ userId: '42' })
      }
      await advance(db, 60 * minute)
      expect(await session(cache, 'token')).toBeUndefined()
    })

    it('make tables under own names, and query them', async () => {
      const carts = await setUp(db)
      await carts.set('1', [])
      await carts.set('2', [], { expiration: 0 })
      expect(await newestKeys(db)).toEqual([{ key: 'carts|1' }])
    })
  })

  describe('on edge-runtime, against a local Neon', () => {
    const SECRET = 'a secret of the test'
    let folder: string
    let db: Database
    let variables: { DATABASE_URL: string; CRON_SECRET: string }
    let endpoint: string

    beforeAll(async () => {
      folder = await install(await pack())
      await linkPackages(folder, ['@neondatabase/serverless'])
      await cp(SNIPPETS, join(folder, 'snippets'), { recursive: true })
      const database = await createDatabase()
      const local = await startLocalNeon({ database })
      cleanup(() => local.close())
      endpoint = local.endpoint
      variables = { DATABASE_URL: local.connectionString, CRON_SECRET: SECRET }
      db = drizzle(createPool(database))
      await migrate(db)
    })

    it.each([
      ['worker.ts', 'default.fetch', '/page'],
      ['vercel-function.ts', 'GET', '/?city=Lyon'],
    ])('%s computes once, and then answers with that', async (name, handler, path) => {
      const call = await serve(name, handler)
      const [miss, hit] = [await call(path), await call(path)]
      expect([miss.status, hit.status]).toEqual([200, 200])
      // With the time of its computation in it.
      const computed = await miss.text()
      expect(computed).toMatch(/\d{4}-\d\d-\d\dT/)
      expect(await hit.text()).toBe(computed)
    })

    it('vercel-cron.ts removes what has expired, for the right secret only', async () => {
      const cache = createCache(db, { timeout: 60_000 })
      await cache.setMany({ a: 1, b: 2 }, { expiration: '1m' })
      await cache.set('kept', 1)
      await advance(db, 2 * 60_000)
      const call = await serve('vercel-cron.ts', 'GET')

      expect((await call('/api/cleanup')).status).toBe(401)
      expect((await call('/api/cleanup', { authorization: 'Bearer wrong' })).status).toBe(401)
      expect((await cache.stats()).expired).toBe(2)

      const response = await call('/api/cleanup', { authorization: `Bearer ${SECRET}` })
      expect([response.status, await response.json()]).toEqual([200, { removed: 2, more: false }])
      expect(await cache.stats()).toMatchObject({ expired: 0 })
      expect(await cache.get('kept')).toBe(1)
    })

    it('vercel-cron.ts loads without a secret, as in a build, and then lets nobody in', async () => {
      variables = { ...variables, CRON_SECRET: '' }
      const call = await serve('vercel-cron.ts', 'GET')
      for (const authorization of ['', 'Bearer', 'Bearer ', 'Bearer undefined', `Bearer ${SECRET}`]) {
        expect((await call('/api/cleanup', { authorization })).status).toBe(500)
      }
    })

    /** Runs a snippet as Vercel's edge does; calls its handler as `fetch(path)` would. */
    async function serve(name: string, handler: string) {
      const entry = `import { neonConfig } from '@neondatabase/serverless'
        import * as snippet from './snippets/${name}'
        neonConfig.fetchEndpoint = () => ${JSON.stringify(endpoint)}
        addEventListener('fetch', (event) => event.respondWith(snippet.${handler}(event.request, process.env)))`
      const initialCode = await bundleForEdge({ entry, folder, format: 'iife' })
      const runtime = new EdgeRuntime({
        initialCode,
        extend: (context) => Object.assign(context, { process: { env: variables } }),
      })
      return (path: string, headers: Record<string, string> = {}): Promise<Response> =>
        runtime.dispatchFetch(`https://example.com${path}`, { headers })
    }
  })
})
