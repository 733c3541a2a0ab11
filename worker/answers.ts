/** The part that all routes with cached answers share. */
import type { Context, MiddlewareHandler } from 'hono'
import { every } from 'hono/combine'
import { etag } from 'hono/etag'
import { createMiddleware } from 'hono/factory'
import { responseCache } from 'pgstash/hono'
import { servicesOf } from './database.ts'
import type { AppEnv } from './env.ts'

/** An answer expires this long after its last request. The span is short, so that a visitor can watch it end. */
export const SLIDING_SECONDS = 40

/**
 * Caches the answers of the route behind it.
 *
 * @param question the path and the normalised query. Two requests share an answer if both have the same.
 */
export function cachedAnswers(question: (c: Context<AppEnv>) => string): MiddlewareHandler<AppEnv> {
  const cached = responseCache({
    cache: (c) => servicesOf(c.env).cache,
    key: (c) => new URL(question(c), c.req.url),
    tags: (c) => c.get('tags') ?? [],
    expiration: SLIDING_SECONDS,
    sliding: true,
    // The ETag is known only after the answer was computed, so revalidation would save nothing.
    keepForRevalidation: false,
  })
  return every(askEachTime, cached, etag())
}

/** An answer and its tags. `changeCity` invalidates the same tags. */
export function answer(c: Context<AppEnv>, body: object, tags: string[] = []): Response {
  c.set('tags', tags)
  return c.json(body)
}

/** Browsers and CDNs must revalidate each time, because only the cache here knows of invalidations. */
const askEachTime = createMiddleware<AppEnv>(async (c, next) => {
  await next()
  if (!c.res.headers.has('cache-control')) c.header('cache-control', 'public, no-cache')
})
