import { neon } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { type Cache, createCache, InvalidExpirationError, InvalidOptionError } from 'pgstash'
import { type ResponseCacheOptions, responseCache } from 'pgstash/hono'
import { describe, expect, it } from 'vitest'

describe('invalid options', () => {
  const cache = createCache(drizzle(neon('postgres://user:password@localhost/none')))
  it.each<[string, unknown, typeof InvalidOptionError | typeof InvalidExpirationError]>([
    ['none', undefined, InvalidOptionError],
    ['no cache', {}, InvalidOptionError],
    ['a cache by name', { cache: 'default' }, InvalidOptionError],
    ['a cache that cannot store responses', { cache: {} }, InvalidOptionError],
    ['an unknown option', { cache, ttl: 60 }, InvalidOptionError],
    ['expiration 0', { cache, expiration: 0 }, InvalidExpirationError],
    ['expiration as text', { cache, expiration: 'soon' }, InvalidExpirationError],
    ['sliding without expiration', { cache, sliding: true }, InvalidOptionError],
    ['sliding as text', { cache, expiration: 1, sliding: 'yes' }, InvalidOptionError],
    ['negative stale', { cache, stale: -1 }, InvalidExpirationError],
    ['vary with an invalid name', { cache, vary: ['a b'] }, InvalidOptionError],
    ['vary as text', { cache, vary: 'accept' }, InvalidOptionError],
    ['exclude as text', { cache, exclude: '/admin' }, InvalidOptionError],
    ['exclude without a slash', { cache, exclude: ['admin'] }, InvalidOptionError],
    ...['/a/*/b', '/admin*', '/*/', '/:id{[0-9]+}', '/:id?', '/:'].map(
      (path): [string, unknown, typeof InvalidOptionError] => [
        `exclude of a form that is not known: ${path}`,
        { cache, exclude: [path] },
        InvalidOptionError,
      ],
    ),
    ['authenticated always', { cache, authenticated: 'always' }, InvalidOptionError],
    ['tags as a list', { cache, tags: ['a'] }, InvalidOptionError],
    ['key as text', { cache, key: 'a' }, InvalidOptionError],
    ['maxBodyBytes below zero', { cache, maxBodyBytes: -1 }, InvalidOptionError],
    ['maxBodyBytes above the limit of Neon', { cache, maxBodyBytes: 64 * 1024 * 1024 }, InvalidOptionError],
    ['maxVariants 0', { cache, maxVariants: 0 }, InvalidOptionError],
    ['maxVariants above the limit of the statement', { cache, maxVariants: 2 ** 31 }, InvalidOptionError],
    ['statuses as a number', { cache, statuses: 200 }, InvalidOptionError],
    ['statuses as texts', { cache, statuses: ['200'] }, InvalidOptionError],
    ['an empty cacheStatus', { cache, cacheStatus: '' }, InvalidOptionError],
    ['lease 0', { cache, lease: 0 }, InvalidExpirationError],
    ['waitUntil as true', { cache, waitUntil: true }, InvalidOptionError],
    ['query as a list', { cache, query: ['page'] }, InvalidOptionError],
    ['query with an unknown rule', { cache, query: { only: ['page'] } }, InvalidOptionError],
    ['query with a text', { cache, query: { allow: 'page' } }, InvalidOptionError],
    ['targetedFields as text', { cache, targetedFields: 'cdn-cache-control' }, InvalidOptionError],
    ['storeSetCookie as text', { cache, storeSetCookie: 'no' }, InvalidOptionError],
  ])('are refused when the middleware is created: %s', (_name, options, error) => {
    expect(() => responseCache(options as ResponseCacheOptions)).toThrow(error)
  })

  it('are refused at the first request if a function returns a cache that cannot store responses', async () => {
    const app = new Hono().use(responseCache({ cache: () => ({}) as Cache }))
    app.onError((error, c) => c.text(error.constructor.name, 500))
    expect(await (await app.request('/')).text()).toBe('InvalidOptionError')
  })
})
