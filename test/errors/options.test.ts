import { neon } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import {
  cached,
  compressingCodec,
  createCache,
  createCacheManager,
  encryptingCodec,
  memoryCache,
  nullCache,
  platformCache,
  shardedCache,
  tieredCache,
} from 'pgstash'
import { basic, cacheAdmin } from 'pgstash/admin'
import { cronRoute, scheduledCleanup } from 'pgstash/cron'
import { startLocalNeon } from 'pgstash/dev'
import { queryCache, watchTables } from 'pgstash/drizzle'
import { cacheMiddleware, purge, purgeRoute, rateLimit, responseCache } from 'pgstash/hono'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { analyticsEngineListener, historyListener } from 'pgstash/telemetry'
import { describe, expect, it } from 'vitest'

// No case here may send a request.
const db = drizzle(neon('postgresql://user:s3cret@localhost:1/none'))
const cache = createCache(db)
const memory = memoryCache()
const secret = 'sixteen-characters'
const ask = (options: object): never => options as never

describe('an unknown option', () => {
  it.each<[string, (options: never) => unknown, string, string | undefined]>([
    ['createCache', (o) => createCache(db, o), 'ttl', 'expiration'],
    ['createCache', (o) => createCache(db, o), 'prefix', 'namespace'],
    ['createCache', (o) => createCache(db, o), 'timeoutMs', 'timeout'],
    ['createCache', (o) => createCache(db, o), 'serializer', 'codec'],
    ['createCache', (o) => createCache(db, o), 'onerror', 'onError'],
    ['createCache', (o) => createCache(db, o), 'namspace', 'namespace'],
    ['createCache', (o) => createCache(db, o), 'quux', undefined],
    ['memoryCache', (o) => memoryCache(o), 'max', 'maxEntries'],
    ['memoryCache', (o) => memoryCache(o), 'sizeLimit', 'maxBytes'],
    ['tieredCache', (o) => tieredCache(o), 'memory', 'l1'],
    ['tieredCache', (o) => tieredCache(o), 'localTtl', 'l1Expiration'],
    ['shardedCache', (o) => shardedCache(o), 'shards', 'nodes'],
    ['createCacheManager', (o) => createCacheManager(o), 'drivers', 'stores'],
    ['platformCache', (o) => platformCache(o), 'keyPrefix', 'namespace'],
    ['cached', (o) => cached(async function load() {}, o), 'ttl', 'expiration'],
    ['cached', (o) => cached(async function load() {}, o), 'prefix', 'key'],
    ['namespace', (o) => cache.namespace('a', o), 'versoin', 'version'],
    ['get', (o) => memory.get('k', o), 'default', 'fallback'],
    ['set', (o) => memory.set('k', 1, o), 'ttl', 'expiration'],
    ['set', (o) => memory.set('k', 1, o), 'EX', 'expiration'],
    ['set', (o) => memory.set('k', 1, o), 'expires_in', 'expiration'],
    ['set', (o) => memory.set('k', 1, o), 'maxAge', 'expiration'],
    ['set', (o) => memory.set('k', 1, o), 'tag', 'tags'],
    ['setMany', (o) => memory.setMany({ k: 1 }, o), 'expriation', 'expiration'],
    ['add', (o) => cache.add('k', 1, o), 'ttl', 'expiration'],
    ['getOrSet', (o) => memory.getOrSet('k', 1, o), 'staleWhileRevalidate', 'stale'],
    ['getOrSet', (o) => memory.getOrSet('k', 1, o), 'grace', 'stale'],
    ['getOrSet', (o) => nullCache().getOrSet('k', 1, o), 'lockTimeout', 'lease'],
    ['increment', (o) => cache.increment('k', 1, o), 'ttl', 'expiration'],
    ['limit', (o) => memory.limit('k', o), 'windowMs', 'period'],
    ['limit', (o) => memory.limit('k', o), 'max', 'limit'],
    ['list', (o) => memory.list(o), 'offset', 'cursor'],
    ['clear', (o) => memory.clear(o as never), 'prefixes', 'prefix'],
    ['clearExpired', (o) => memory.clearExpired(o), 'batchSize', 'batch'],
    ['responseCache', (o) => responseCache(o), 'ttl', 'expiration'],
    ['responseCache', (o) => responseCache(o), 'tag', 'tags'],
    ['rateLimit', (o) => rateLimit(o), 'windowMs', 'period'],
    ['rateLimit', (o) => rateLimit(o), 'keyGenerator', 'key'],
    ['rateLimit', (o) => rateLimit(o), 'store', 'cache'],
    ['purge', (o) => purge(cache, o), 'url', 'urls'],
    ['purgeRoute', (o) => purgeRoute(o), 'token', 'secret'],
    ['cacheMiddleware', (o) => cacheMiddleware(o), 'store', 'cache'],
    ['queryCache', (o) => queryCache(cache, o), 'ttl', 'expiration'],
    ['watchTables', (o) => watchTables(db, [], o), 'row', 'rows'],
    ['migrate', (o) => migrate(db, o), 'unloged', 'unlogged'],
    ['cacheTables', (o) => cacheTables(o), 'perfix', 'prefix'],
    ['cronRoute', (o) => cronRoute(cache, o), 'token', 'secret'],
    ['scheduledCleanup', (o) => scheduledCleanup(cache, o), 'budget', 'timeBudget'],
    ['cacheAdmin', (o) => cacheAdmin(o), 'readonly', 'readOnly'],
    ['basic', (o) => basic(o), 'passwort', 'password'],
    ['historyListener', (o) => historyListener(db, o), 'interval', 'every'],
    ['analyticsEngineListener', (o) => analyticsEngineListener({ writeDataPoint() {} }, o), 'samplerate', 'sampleRate'],
    ['startLocalNeon', (o) => startLocalNeon(o), 'folder', 'dataDir'],
    ['compressingCodec', (o) => compressingCodec(o), 'treshold', 'threshold'],
    ['encryptingCodec', (o) => encryptingCodec(o), 'key', 'keys'],
  ])('for %s is named, with the most similar valid one: $2', async (_where, call, name, meant) => {
    const attempt = async () => call(ask({ [name]: 1 }))
    await expect(attempt()).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message:
        meant === undefined
          ? expect.stringMatching(`^Unknown option ${name}\\. The options are `)
          : expect.stringMatching(`^Unknown option ${name}; did you mean ${meant}\\?`),
    })
  })

  it('is answered with a helpful hint', async () => {
    await expect(memory.set('k', 1, ask({ ttl: 60 }))).rejects.toThrow(
      /^Unknown option ttl; did you mean expiration\?$/,
    )
  })

  it('in milliseconds is answered with the unit of the valid option', async () => {
    for (const name of ['px', 'ttlMs', 'ttl_ms']) {
      await expect(memory.set('k', 1, ask({ [name]: 60_000 }))).rejects.toThrow(
        /did you mean expiration\? Its plain numbers are seconds\.$/,
      )
    }
    expect(() => createCache(db, ask({ timeoutMs: 1 }))).toThrow(/did you mean timeout\?$/)
  })

  it('is not named if it may be data passed in place of options', async () => {
    for (const name of ['sk_live_51H8xyz', 'ada@example.com', 'a'.repeat(40), 'postgres://u:p@h/d', 'hunter2secret']) {
      const error = await memory.set('k', 1, ask({ [name]: 1 })).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ message: 'Unknown option. The options are expiration, tags, asOf.' })
    }
  })

  it('is compared quickly, however long its name is', () => {
    expect(() => memoryCache(ask({ [`${'a'.repeat(100_000)}!`]: 1 }))).toThrow(/^Unknown option\./)
  })
})

it('a time to live in place of options is answered with the correct call', async () => {
  for (const [options, type] of [
    [60, 'a number'],
    ['5m', 'a string'],
  ] as const) {
    await expect(memory.set('k', 1, ask(options as never))).rejects.toThrow(
      `Expected the options to be an object such as { expiration: 60 }, got ${type}.`,
    )
  }
})

describe('an expiration', () => {
  it.each<[unknown, string]>([
    [{ mins: 5 }, 'did you mean minutes?'],
    [{ second: 5 }, 'did you mean seconds?'],
    [{ ms: 5 }, 'did you mean milliseconds?'],
    [{ fortnights: 5 }, 'an object with another field'],
    [{ seconds: '5' }, 'Expected the seconds of expiration to be a number, got a string.'],
    ['5 minutes', "such as '5m' (ms, s, m, h, d)"],
    [true, 'Expected expiration to be a number of seconds'],
    [Number.NaN, 'got NaN'],
  ])('with an invalid form is reported with the accepted forms: %o', async (expiration, message) => {
    await expect(memory.set('k', 1, { expiration: expiration as never })).rejects.toThrow(message)
    await expect(memory.limit('k', { limit: 1, period: expiration as never })).rejects.toThrow(
      message.replace('expiration', 'period'),
    )
  })
})

describe('a span of time', () => {
  const spans: [string, (span: never) => unknown, string][] = [
    ['timeout of createCache', (timeout) => createCache(db, { timeout }), 'timeout'],
    ['timeBudget of clearExpired', (timeBudget) => memory.clearExpired({ timeBudget }), 'timeBudget'],
    ['timeBudget of cronRoute', (timeBudget) => cronRoute(memory, { secret, timeBudget }), 'timeBudget'],
    ['timeBudget of scheduledCleanup', (timeBudget) => scheduledCleanup(memory, { timeBudget }), 'timeBudget'],
    [
      'timeout of rateLimit',
      (timeout) => rateLimit({ cache: memory, limit: 1, period: 1, key: () => 'k', timeout }),
      'timeout',
    ],
    [
      'maxSeconds of a heuristic',
      (maxSeconds) => responseCache({ cache, heuristic: { maxSeconds } }),
      'heuristic.maxSeconds',
    ],
    ['l1Expiration', (l1Expiration) => tieredCache({ l1: memory, l2: cache, l1Expiration }), 'l1Expiration'],
    ['every of a history', (every) => historyListener(db, { every }), 'every'],
  ]

  it.each(spans)('may be a duration or a number: %s', async (_name, take) => {
    for (const span of ['5s', '1.5m', { seconds: 5 }, { milliseconds: 500 }, 5]) await take(span as never)
  })

  it.each(spans)('with an invalid form is refused by name: %s', async (_name, take, name) => {
    for (const span of ['5 seconds', -1, Number.NaN, new Date(), true, null, {}, { secs: 5 }, '-5s']) {
      const attempt = async () => take(span as never)
      await expect(attempt()).rejects.toThrow(name)
    }
  })

  it('with zero length is refused if it must be positive', () => {
    expect(() => createCache(db, { timeout: 0 })).toThrow(
      'Expected timeout to be a whole number from 1 to 2147483647 milliseconds, got a number out of range.',
    )
    expect(() => createCache(db, { timeout: '0s' })).toThrow(
      "Expected timeout to be a span of 1 to 2147483647 milliseconds, such as 5000, '5s' or { seconds: 5 }, got a span out of range.",
    )
  })
})
