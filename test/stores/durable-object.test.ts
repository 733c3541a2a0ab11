/** The example of docs/guides/custom-stores.md on the storage of a Durable Object, in workerd. */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import { expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

const WORKER = `
import { cacheOver } from 'pgstash'
import { KeyValueStore } from '../../docs/snippets/stores/own-store.ts'
import { createObjectCache } from '../../docs/snippets/stores/own-store-use.ts'

export class CacheObject {
  constructor({ storage }) {
    this.storage = storage
    this.cache = createObjectCache(storage)
  }
  async fetch(request) {
    const step = new URL(request.url).pathname.slice(1)
    return Response.json((await this[step]()) ?? null)
  }
  async fill() {
    let computed = 0
    const compute = async () => ({ n: ++computed })
    const values = await Promise.all([1, 2, 3].map(() => this.cache.getOrSet('key', compute, { tags: ['tag'] })))
    const sums = await Promise.all([1, 2, 3].map(() => this.cache.increment('counter', 0.1)))
    await this.cache.set('forever', 'é', { expiration: null })
    return { values, computed, sums: sums.sort() }
  }
  async readLater() {
    // Past the memory that the tiers keep, as after an eviction of the object.
    const far = cacheOver(new KeyValueStore(this.storage))
    const keys = (await far.list()).entries.map(({ key }) => key)
    return { keys, value: await far.get('key'), never: await far.expiration('forever') }
  }
  async invalidate() {
    await this.cache.invalidate('tag')
    return { has: await this.cache.has('key'), ...(await this.cache.clearExpired()), left: await this.cache.count() }
  }
}
export default {
  fetch: (request, { OBJECTS }) => OBJECTS.get(OBJECTS.idFromName('cache')).fetch(request),
}
`

it.each([false, true])(
  'the example stores a cache in the storage of a Durable Object, with SQLite: %s',
  async (useSQLite) => {
    const { outputFiles } = await build({
      stdin: { contents: WORKER, resolveDir: path('.'), loader: 'ts' },
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      conditions: ['workerd', 'worker', 'browser'],
      alias: { pgstash: path('../../src/index.ts'), '#tcp': path('../../src/postgres/connections/no-tcp.ts') },
      external: ['cloudflare:*', 'node:*'],
    })
    const miniflare = new Miniflare({
      modules: true,
      script: outputFiles[0]?.text ?? '',
      compatibilityDate: '2026-04-01',
      durableObjects: { OBJECTS: { className: 'CacheObject', useSQLite } },
    })
    cleanup(() => miniflare.dispose())
    const step = async (name: string) => (await miniflare.dispatchFetch(`http://localhost/${name}`)).json()
    expect(await step('fill')).toEqual({ values: Array(3).fill({ n: 1 }), computed: 1, sums: [0.1, 0.2, 0.3] })
    expect(await step('readLater')).toEqual({ keys: ['counter', 'forever', 'key'], value: { n: 1 }, never: null })
    expect(await step('invalidate')).toEqual({ has: false, removed: 1, more: false, left: 2 })
  },
)
