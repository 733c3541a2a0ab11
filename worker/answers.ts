/** The answers that are computed and cached: what the routes that give them have in common. */
import type { Context, MiddlewareHandler } from 'hono'
import { every } from 'hono/combine'
import { etag } from 'hono/etag'
import { createMiddleware } from 'hono/factory'
import { responseCache } from 'pgstash/hono'
import { servicesOf } from './database.ts'
import type { AppEnv } from './env.ts'

/** How long an answer is kept after it was last asked for: short, so that a person can watch it end. */
export const SLIDING_SECONDS = 40

/**
 * Caches the answers of the route behind it.
 *
 * @param question the path and the normalised query: two requests share an answer exactly if they share this
 */
export function cachedAnswers(question: (c: Context<AppEnv>) => string): MiddlewareHandler<AppEnv> {
  const cached = responseCache({
    cache: (c) => servicesOf(c.env).cache,
    key: (c) => new URL(question(c), c.req.url),
    tags: (c) => c.get('tags') ?? [],
    expiration: SLIDING_SECONDS,
    sliding: true,
    // An answer has to be computed before its ETag is known: to validate an old one would save nothing.
    keepForRevalidation: false,
  })
  return every(askEachTime, cached, etag())
}

/** An answer, and what it was made of, named as `changeCity` names what it changes. */
export function answer(c: Context<AppEnv>, body: object, tags: string[] = []): Response {
  c.set('tags', tags)
  return c.json(body)
}

/** Others may keep an answer but must ask: only the cache here knows of invalidations. */
const askEachTime = createMiddleware<AppEnv>(async (c, next) => {
  await next()
  if (!c.res.headers.has('cache-control')) c.header('cache-control', 'public, no-cache')
})
