/** Purges responses by URL, prefix or tag: from code, inside a transaction, or over HTTP. */
import { Hono, type MiddlewareHandler } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import type { Cache } from '../cache.ts'
import { cacheKey, keyPrefixes, type QueryRule } from '../http/index.ts'
import { checkDatabase, type Database, type QueryDatabase } from '../postgres/database.ts'
import { purgeQuery } from '../postgres/responses/purge.ts'
import { purgeValues, RESPONSE_NAMESPACE, storedUrl } from '../postgres/responses/response-store.ts'
import type { ResponsePurge } from '../postgres/responses/store.ts'
import { checkedQuery } from '../response-cache/query-rule.ts'
import { responseStoreOf } from '../response-cache/response-store.ts'
import { checkedTables } from '../schema/checked-tables.ts'
import { type CacheTables, defaultTables } from '../schema/index.ts'
import { CacheError, describeType, InvalidOptionError } from '../values/errors.ts'
import { nestedScope, ROOT } from '../values/key.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { bearerToken } from '../values/secret.ts'

export interface PurgeTargets {
  /** Absolute URLs. All variants of each are purged. */
  urls?: readonly (string | URL)[] | undefined
  /** Prefixes of absolute URLs: `https://example.com/blog/`. They are resolved like URLs, so `/a/..` purges all of `/`. */
  prefixes?: readonly string[] | undefined
  /** Responses with any of these tags. With `urls` or `prefixes`, only those that match both. */
  tags?: readonly string[] | undefined
  /** Makes responses stale instead of removing them. They are then revalidated, or served while they are refreshed. */
  soft?: boolean | undefined
  /** The `query` option of the `responseCache` that stored them. */
  query?: QueryRule | undefined
}

const TARGETS = ['urls', 'prefixes', 'tags', 'soft', 'query'] as const

/**
 * Purges responses and returns how many it purged. One round trip. Responses that a handler is producing are not stored either.
 *
 * With `tags` alone and without `soft`, this is `cache.invalidate`. It is exact, and its cost does not grow with the number of
 * responses, but it counts nothing and returns 0. A soft purge by tags alone reads every response of the cache.
 *
 * @param cache the cache of `responseCache`, or one created with a transaction
 * @throws InvalidOptionError, InvalidKeyError, DatabaseError, DatabaseTimeoutError
 * @example
 * await purge(cache, { urls: ['https://example.com/blog/42'] })
 * await purge(cache, { prefixes: ['https://example.com/blog/'], soft: true })
 */
export async function purge(cache: Cache, targets: PurgeTargets): Promise<number> {
  const { urls, prefixes, tags, soft, isTagsAlone } = parseTargets(targets)
  const store = responseStoreOf(cache)
  if (tags !== undefined && isTagsAlone && !soft) {
    await cache.invalidate(tags)
    return 0
  }
  if (urls.length === 0 && prefixes.length === 0) return 0
  return store.purge({ ...purgeKeys(urls, prefixes, (key) => store.keyOf(key)), ...(tags && { tags }), soft })
}

export interface PurgeStatementsOptions {
  /** The namespace of the cache that stores the responses. */
  namespace?: string | undefined
  tables?: CacheTables | undefined
}

/**
 * Returns `purge` as statements for your own batch or transaction. They purge exactly if it commits.
 *
 * The same statement comes twice. A response that is stored while the first one waits for its lease is visible only to the
 * second.
 *
 * @throws InvalidOptionError, InvalidKeyError
 * @example
 * await db.batch([db.update(posts).set({ title }).where(eq(posts.id, id)), ...purgeStatements(db, { urls: [url] })])
 */
export function purgeStatements(db: Database, targets: PurgeTargets, options?: PurgeStatementsOptions) {
  checkDatabase(db)
  const { namespace, tables = defaultTables } = optionsObject<PurgeStatementsOptions>(options, ['namespace', 'tables'])
  const { urls, prefixes, tags, soft } = parseTargets(targets)
  const scope = nestedScope(namespace === undefined ? ROOT : nestedScope(ROOT, namespace), RESPONSE_NAMESPACE)
  const wanted = purgeKeys(urls, prefixes, (key) => storedUrl(scope, key))
  const values = purgeValues(scope, { ...wanted, ...(tags && { tags }), soft })
  const query = () => purgeQuery(db as unknown as QueryDatabase, checkedTables(tables), values, soft ? 'soft' : 'hard')
  return [query(), query()] as const
}

export interface PurgeRouteOptions {
  cache: Cache
  /**
   * The secret that `Authorization: Bearer` must carry, at least 16 visible characters. While it is undefined or empty, every
   * request gets 500, so that a build can load the module without it.
   */
  secret: string | undefined
  /** The `query` option of the `responseCache` that stored them. */
  query?: QueryRule | undefined
}

/**
 * Accepts `POST` with a JSON body of `urls`, `prefixes`, `tags` and `soft`, and answers `{ "purged": number }`.
 *
 * A request without the secret gets 401. While no secret is configured, every request gets 500, and `console.error` the reason.
 *
 * @throws InvalidOptionError if the secret is neither a string nor undefined, or too short to be safe
 * @example
 * app.route('/purge', purgeRoute({ cache, secret: env.PURGE_SECRET }))
 */
export function purgeRoute(options: PurgeRouteOptions): Hono {
  const { cache, secret, query } = optionsObject<PurgeRouteOptions>(options, ['cache', 'secret', 'query'])
  const admit = isMissing(secret) ? refuseAll : bearerAuth({ token: bearerToken(secret) })
  if (cache === undefined) throw new InvalidOptionError('Expected a cache, got undefined.')
  responseStoreOf(cache)
  return new Hono().use(admit).post('/', async (c) => {
    c.header('cache-control', 'no-store')
    try {
      const targets: unknown = await c.req.json().catch(() => undefined)
      return c.json({ purged: await purge(cache, { ...Object(targets), query }) })
    } catch (error) {
      if (!(error instanceof CacheError)) throw error
      const isOurs = error.code === 'DATABASE' || error.code === 'TIMEOUT'
      return c.json({ error: error.code, message: error.message }, isOurs ? 503 : 400)
    }
  })
}

function isMissing(secret: unknown): boolean {
  return secret === undefined || (typeof secret === 'string' && secret.trim() === '')
}

/** Refuses every request while no secret is configured. */
const refuseAll: MiddlewareHandler = async (c) => {
  console.error(new InvalidOptionError('Expected the secret of purgeRoute to be set: is its variable missing?'))
  return c.json({ error: 'The purge route has no secret' }, 500, { 'cache-control': 'no-store' })
}

function parseTargets(targets: PurgeTargets) {
  const { urls, prefixes, tags, soft = false, ...rest } = optionsObject<PurgeTargets>(targets, TARGETS)
  const query = checkedQuery(rest.query)
  if (urls === undefined && prefixes === undefined && tags === undefined) {
    throw new InvalidOptionError('Expected urls, prefixes or tags to purge.')
  }
  // Tags alone select among all responses, but an empty list of URLs selects none.
  const isTagsAlone = urls === undefined && prefixes === undefined
  return {
    urls: checkedList('urls', urls).map((url) => cacheKey('GET', absoluteUrl(url), { query })),
    prefixes: isTagsAlone ? ['GET '] : checkedList('prefixes', prefixes).flatMap(prefixKeys),
    tags: tags === undefined ? undefined : checkedList('tags', tags).map(checkedTag),
    soft: boolean('soft', soft),
    isTagsAlone,
  }
}

function purgeKeys(
  urls: readonly string[],
  prefixes: readonly string[],
  keyOf: (key: string) => string,
): Pick<ResponsePurge, 'bases' | 'prefixes'> {
  return { bases: urls.map(keyOf), prefixes }
}

function checkedList(name: string, value: unknown): readonly unknown[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  throw new InvalidOptionError(`Expected ${name} to be a list, got ${describeType(value)}.`)
}

function checkedTag(tag: unknown): string {
  if (typeof tag === 'string') return tag
  throw new InvalidOptionError(`Expected each of tags to be a string, got ${describeType(tag)}.`)
}

function absoluteUrl(url: unknown): URL {
  try {
    return new URL(url as string)
  } catch {
    throw new InvalidOptionError('Expected each of urls to be an absolute URL.')
  }
}

/** A scheme and host, the start of a path, and optionally the start of a query. */
const PREFIX = /^https?:\/\/[^/?#\s]+\/[^?#\s\p{Cc}]*(?:\?[^#\s\p{Cc}]*)?$/iu

function prefixKeys(prefix: unknown): string[] {
  if (typeof prefix === 'string' && prefix.isWellFormed() && PREFIX.test(prefix) && URL.canParse(prefix)) {
    return keyPrefixes(prefix)
  }
  throw new InvalidOptionError('Expected each of prefixes to begin with a scheme, a host and a slash.')
}
