/** The response store below any response cache, over HTTP. */
import { neon } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { type CacheOptions, createCache } from 'pgstash'
import { postgresEngineOf } from '../../src/postgres/postgres-store.ts'
import { createResponseStore } from '../../src/postgres/responses/response-store.ts'
import type { BodyRange, ResponseMeta, ResponseRead, ResponseStore } from '../../src/postgres/responses/store.ts'
import type { Site } from '../fill/clients.ts'

const cost = () => ({ roundTrips: 0, bytes: 0 })

export const META: ResponseMeta = {
  status: 200,
  headers: [['content-type', 'text/plain']],
  requestAt: Date.now(),
  responseAt: Date.now(),
  date: Date.now(),
  modifiedAt: Date.now(),
  bytes: 0,
  vary: [],
}

/** Returns a new store, as each isolate has one. */
export function createResponses(site: Pick<Site, 'faults' | 'server'>, options: CacheOptions = {}) {
  const cache = createCache(drizzle(neon(site.server.connectionString)), { timeout: 60_000, ...options })
  const engine = postgresEngineOf(cache)
  if (engine === undefined) throw new Error('Expected a cache on Postgres.')
  const store = createResponseStore(engine)
  return {
    store,
    request: (url: string) => request(store, url),
    /** Claims the lease of a URL, and stores a response. */
    async put(url: string, body: Uint8Array | string, meta: Partial<ResponseMeta> = {}): Promise<boolean> {
      const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
      const base = store.keyOf(url)
      const token = crypto.randomUUID()
      const { key } = await store.read({ ...request(store, url), token, claims: true, force: true }, cost())
      return store.fill(
        {
          base,
          key,
          token,
          hitForMissSnapshot: undefined,
          digests: {},
          names: [],
          forgets: false,
          meta: { ...META, bytes: bytes.length, ...meta },
          body: bytes,
          deadline: { kind: 'after', ms: 60_000 },
          maxAgeMs: null,
          retentionMs: 0,
          tags: null,
          computeMs: 1,
          maxVariants: 10,
        },
        cost(),
      )
    },
    read: (url: string, options: Partial<ResponseRead> = {}) =>
      store.read({ ...request(store, url), ...options }, cost()),
    /** The bytes that a range transfers. */
    async part(url: string, range: BodyRange | undefined) {
      site.faults.reset()
      const { entry } = await store.read({ ...request(store, url), range }, cost())
      return { entry, body: entry?.body, bytesOut: site.faults.bytesOut, requests: site.faults.requests }
    },
  }
}

function request(store: ResponseStore, url: string): ResponseRead {
  return {
    base: store.keyOf(url),
    digests: {},
    token: crypto.randomUUID(),
    leaseMs: 10_000,
    claims: false,
    force: false,
    sliding: undefined,
    headOnly: false,
    noneMatch: undefined,
    modifiedSince: undefined,
    range: undefined,
  }
}
