/**
 * No usual call throws an exception and catches it again. Nobody would notice, except that an exception takes 20 to 50
 * microseconds. A `set` over TCP takes 90.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { migrate } from 'pgstash/migrate'
import { expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'

const exec = promisify(execFile)

/** Makes each call three times, because a first call may try what later calls need not. */
const SCRIPT = `
  import pg from 'pg'
  import { Hono } from 'hono'
  import { cached, createCache, memoryCache, tieredCache } from 'pgstash'
  import { withResponseCache } from 'pgstash/fetch'
  import { responseCache } from 'pgstash/hono'

  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 1 })
  const remote = createCache(pool, { onEvent() {} })
  const caches = { remote, memory: memoryCache(), tiered: tieredCache({ l1: memoryCache(), l2: createCache(pool) }) }
  const value = { id: 1, text: 'x', list: [1, 2], nested: { deep: [{ a: 1 }] } }
  const app = new Hono()
  app.use(responseCache({ cache: remote, expiration: '1h' }))
  app.get('/', (c) => c.json(value))
  const handle = withResponseCache(() => Response.json(value), { cache: remote, expiration: '1h' })
  const calls = {
    set: (cache) => cache.set('key', value),
    setMany: (cache) => cache.setMany({ one: value, two: value }),
    add: (cache) => cache.add('key', value),
    get: (cache) => cache.get('key'),
    getMany: (cache) => cache.getMany(['one', 'two']),
    'get of a missing key': (cache) => cache.get('nothing'),
    has: (cache) => cache.has('key'),
    'getOrSet, a hit': (cache) => cache.getOrSet('key', () => value),
    'getOrSet, a miss': (cache) => cache.getOrSet(String(Math.random()), () => value),
    touch: (cache) => cache.touch('key', '1h'),
    'sliding get': (cache) => cache.get('key', { sliding: '1h' }),
    increment: (cache) => cache.increment('count'),
    limit: (cache) => cache.limit('calls', { limit: 100, period: '1h' }),
    'a tagged set': (cache) => cache.set('tagged', value, { tags: ['a'] }),
    'a tagged get': (cache) => cache.get('tagged'),
    invalidate: (cache) => cache.invalidate('a'),
    delete: (cache) => cache.delete('one'),
    cached: (cache) => cached(async () => value, { cache, key: 'cached' })(1, { a: 2 }),
  }
  const all = Object.entries(caches).flatMap(([name, cache]) =>
    Object.entries(calls).map(([call, run]) => [name + ': ' + call, () => run(cache)]),
  )
  all.push(['responseCache', async () => (await app.request('https://a.example/')).text()])
  all.push(['withResponseCache', async () => (await handle(new Request('https://b.example/'))).text()])
  for (let i = 0; i < 3; i++) {
    for (const [name, run] of all) {
      process.stdout.write('\\n<' + i + ' ' + name + '>\\n')
      await run()
    }
  }
  process.stdout.write('\\n<end>\\n')
  await pool.end()`

it('usual calls throw no exceptions inside', async () => {
  const url = await createDatabase()
  await migrate(createPool(url, { max: 1 }))
  // V8 prints each exception at the moment when it is thrown.
  const { stdout } = await exec(process.execPath, ['--print-all-exceptions', '--input-type=module', '-e', SCRIPT], {
    env: { ...process.env, DATABASE_URL: url },
    maxBuffer: 64 * 1024 ** 2,
  })
  const calls = stdout.split(/^<(?=\d |end>)/m).slice(1)
  expect(calls.at(-1)).toMatch(/^end>/)
  const last = calls.filter((call) => call.startsWith('2 '))
  expect(last.length).toBeGreaterThan(50)
  const throwing = last.filter((call) => call.includes('Exception thrown:'))
  expect(throwing.map((call) => call.slice(2, call.indexOf('>')))).toEqual([])
  // The flag works: loading Node's own modules throws exceptions.
  expect(stdout).toContain('Exception thrown:')
})
