/**
 * The cache of computed answers: one round trip for a hit, ETag and 304, `Age`, `Cache-Status` (RFC 9211).
 *
 * A failing cache never fails a request: the answer is then computed, and `Cache-Status` says why.
 */
import type { Context } from 'hono'
import type { Cache, CacheSnapshot } from 'pgstash'
import { CacheError, DatabaseError } from 'pgstash'
import { etagOf, matchesEtag } from './conditional.ts'
import { servicesOf } from './database.ts'
import type { AppEnv } from './env.ts'

/** How long an answer is kept after it was last asked for: short, so that a person can watch it end. */
export const SLIDING_SECONDS = 40
/** The cache's default slack, which a first write has to add itself so that early hits need no write. */
const SLACK = 0.25
/** How long a failing cache is left alone, so that not every request waits for its timeout. */
const REST_MS = 3_000

export interface Computed {
  body: unknown
  /** What the answer was made of, named as `changeCity` names what it changes. */
  tags: string[]
}

export interface CachedAnswer {
  /** The path and the normalised query: two requests share an answer exactly if they share this. */
  key: string
  compute(): Computed | Promise<Computed>
}

interface StoredAnswer {
  body: string
  etag: string
  /** Milliseconds since 1970. */
  storedAt: number
}

/** When this isolate asks the cache again after a failure, and what the failure was. */
let rest = { until: 0, reason: '' }

/** Answers from the cache, or computes and stores. */
export async function cachedResponse(c: Context<AppEnv>, answer: CachedAnswer): Promise<Response> {
  const found = await attempt(c, (cache) => cache.get<StoredAnswer>(answer.key, { sliding: SLIDING_SECONDS }))
  if (found.failed) return bypass(c, answer, found.reason)
  // Whatever else may have come to lie under the key is as good as nothing.
  if (isStoredAnswer(found.value)) {
    const age = Math.max(0, Math.floor((Date.now() - found.value.storedAt) / 1000))
    // A sliding hit leaves at least this much; how much exactly would cost a second round trip.
    return respond(c, found.value, { cacheStatus: `hit; ttl=${SLIDING_SECONDS}`, age })
  }

  // Before the data is read: a change that commits in between is newer than this, so its invalidation will reject what
  // we are about to store. Taken after the read, an answer made of old data would pass for a fresh one.
  const snapshot = await attempt(c, (cache) => cache.snapshot())
  if (snapshot.failed) return bypass(c, answer, snapshot.reason)
  const { stored, tags } = await computed(answer)
  const written = await attempt(c, (cache) => store(cache, answer.key, stored, tags, snapshot.value))
  return respond(c, stored, {
    cacheStatus: written.failed ? `fwd=miss; ${detail(written.reason)}` : 'fwd=miss; stored',
  })
}

async function bypass(c: Context<AppEnv>, answer: CachedAnswer, reason: string): Promise<Response> {
  const { stored } = await computed(answer)
  return respond(c, stored, { cacheStatus: `fwd=bypass; ${detail(reason)}` })
}

async function computed({ compute }: CachedAnswer): Promise<{ stored: StoredAnswer; tags: string[] }> {
  const { body: value, tags } = await compute()
  const body = JSON.stringify(value)
  return { stored: { body, etag: await etagOf(body), storedAt: Date.now() }, tags }
}

function store(cache: Cache, key: string, value: StoredAnswer, tags: string[], asOf: CacheSnapshot): Promise<void> {
  return cache.set(key, value, { expiration: SLIDING_SECONDS * (1 + SLACK), tags, asOf })
}

type Attempt<T> = { failed: false; value: T } | { failed: true; reason: string }

/** The one place where the cache fails soft. */
async function attempt<T>(c: Context<AppEnv>, work: (cache: Cache) => Promise<T>): Promise<Attempt<T>> {
  if (Date.now() < rest.until) return { failed: true, reason: rest.reason }
  try {
    return { failed: false, value: await work(servicesOf(c.env).responses) }
  } catch (error) {
    const reason = reasonOf(error)
    // An entry that cannot be read says nothing about the next one.
    if (reason !== 'UNREADABLE_VALUE') rest = { until: Date.now() + REST_MS, reason }
    return { failed: true, reason }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof DatabaseError && error.sqlState !== undefined) return `DATABASE ${error.sqlState}`
  return error instanceof CacheError ? error.code : 'UNAVAILABLE'
}

// A quoted string of RFC 8941; reasons are codes, so nothing needs escaping.
function detail(reason: string): string {
  return `detail="${reason}"`
}

function respond(
  c: Context<AppEnv>,
  stored: StoredAnswer,
  { cacheStatus, age = 0 }: { cacheStatus: string; age?: number },
) {
  const headers = {
    etag: stored.etag,
    age: String(age),
    'cache-status': `pgstash; ${cacheStatus}`,
    // Others may keep the answer but must ask: only the cache here knows of invalidations.
    'cache-control': 'public, no-cache',
  }
  if (matchesEtag(c.req.header('if-none-match'), stored.etag)) return c.body(null, 304, headers)
  return c.body(stored.body, 200, { ...headers, 'content-type': 'application/json; charset=utf-8' })
}

function isStoredAnswer(value: unknown): value is StoredAnswer {
  const { body, etag, storedAt } = Object(value)
  return typeof body === 'string' && typeof etag === 'string' && typeof storedAt === 'number'
}
