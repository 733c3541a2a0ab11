/** A program without a framework, and mistakes in one that the types catch. */
import type { Cache, LimitResult } from 'pgstash'
import { addressKey, purge, purgeRoute, type RateLimitOptions, rateLimit } from 'pgstash/fetch'

interface Env {
  plan: 'free' | 'pro'
}
interface Context {
  waitUntil(work: Promise<unknown>): void
}

export function worker(cache: Cache): { fetch(request: Request, env: Env, context: Context): Promise<Response> } {
  return {
    fetch: rateLimit(
      (request: Request, env: Env, context: Context) => {
        context.waitUntil(purge(cache, { urls: [request.url] }))
        return new Response(env.plan)
      },
      {
        cache: () => cache,
        limit: (_request, env) => (env.plan === 'pro' ? 1_000 : 10),
        period: { minutes: 1 },
        key: (request) => addressKey(request.headers.get('cf-connecting-ip')),
        onLimit: (result: LimitResult, request, env) => new Response(`${result.resetMs} ${request.url} ${env.plan}`),
      },
    ),
  }
}

export function route(cache: Cache, secret: string | undefined) {
  const options: RateLimitOptions<[request: Request]> = { cache, limit: 1, period: '1m', key: (request) => request.url }
  const GET: (request: Request, context: { params: Promise<{ id: string }> }) => Promise<Response> = rateLimit(
    () => new Response(''),
    options,
  )
  const POST: (request: Request) => Promise<Response> = purgeRoute({ cache, secret })
  return { GET, POST }
}

export function mistakes(cache: Cache): void {
  // @ts-expect-error whom to count for has no default
  rateLimit((request: Request) => new Response(request.url), { cache, limit: 1, period: '1m' })
  // @ts-expect-error the handler has no such argument
  rateLimit((request: Request) => new Response(request.url), { cache, limit: 1, period: 1, key: (_, env) => env })
  // @ts-expect-error a route without a secret would be open to everybody
  purgeRoute({ cache })
}
