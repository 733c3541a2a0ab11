import type { NextRequest } from 'next/server.js'
import { type Cache, nullCache } from 'pgstash'
import { addressKey, type RateLimitOptions, rateLimit } from 'pgstash/fetch'
import { expect, it } from 'vitest'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}

interface Env {
  plan: string
}
interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void
}
interface RouteContext {
  params: Promise<{ id: string }>
}

const cache: Cache = nullCache()
const RULE = { cache, limit: 1, period: '1m' } as const

it('a Worker keeps its arguments, and the options get them', () => {
  const handle = rateLimit(
    (request: Request, env: Env, ctx: ExecutionContext) => {
      ctx.waitUntil(Promise.resolve(env.plan))
      return new Response(request.url)
    },
    {
      cache(...args) {
        same<typeof args, [request: Request, env: Env, ctx: ExecutionContext]>(true)
        return cache
      },
      limit: (_request, env) => env.plan.length,
      period: '1m',
      key: (request) => addressKey(request.headers.get('cf-connecting-ip')),
      skip: (request, env) => request.url === env.plan,
      onLimit(result, request, env, ctx) {
        same<[typeof request, typeof env, typeof ctx], [Request, Env, ExecutionContext]>(true)
        return new Response(String(result.remaining))
      },
      onError(error, request, env, ctx) {
        same<[typeof error, typeof request, typeof env, typeof ctx], [unknown, Request, Env, ExecutionContext]>(true)
      },
    },
  )
  same<typeof handle, (request: Request, env: Env, ctx: ExecutionContext) => Promise<Response>>(true)
  expect(handle).toBeTypeOf('function')
})

it('arguments may be inferred from the context of the handler', () => {
  const worker: { fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> } = {
    fetch: rateLimit((request, env, ctx) => new Response(request.url + env.plan + typeof ctx.waitUntil), {
      ...RULE,
      key: (_request, env) => env.plan,
    }),
  }
  expect(worker.fetch).toBeTypeOf('function')
})

it('a Next route handler keeps Next’s request and its params', () => {
  const GET = rateLimit(
    async (request: NextRequest, { params }: RouteContext) =>
      new Response(request.nextUrl.pathname + (await params).id),
    {
      ...RULE,
      async key(request, { params }) {
        same<typeof request, NextRequest>(true)
        return (await params).id
      },
    },
  )
  same<typeof GET, (request: NextRequest, context: RouteContext) => Promise<Response>>(true)
  expect(GET).toBeTypeOf('function')
})

it('a handler without parameters still gets a request, which the options receive', () => {
  const GET = rateLimit(() => new Response('welcome'), { ...RULE, key: (request) => request.url })
  same<typeof GET, (request: Request, ...rest: unknown[]) => Promise<Response>>(true)
  const POST: (request: NextRequest, context: RouteContext) => Promise<Response> = GET
  const HEAD = rateLimit(() => new Response('welcome'), { ...RULE, key: () => 'all' })
  same<typeof HEAD, typeof GET>(true)
  expect(POST).toBe(GET)
})

it('options for fewer arguments fit a handler with more', () => {
  const options: RateLimitOptions<[request: Request]> = {
    ...RULE,
    key: (request) => request.url,
    onLimit: (_result, request) => new Response(request.url),
  }
  const handle = rateLimit((_request: Request, env: Env) => new Response(env.plan), options)
  same<typeof handle, (request: Request, env: Env) => Promise<Response>>(true)
  expect(handle).toBeTypeOf('function')
})

it('mistakes do not compile', () => {
  const own = (request: Request, env: Env) => new Response(request.url + env.plan)
  // @ts-expect-error the handler has no third argument
  rateLimit(own, { ...RULE, key: (_request, _env, third) => third })
  // @ts-expect-error a key is a text
  rateLimit(own, { ...RULE, key: (_request, env) => env.plan.length })
  // @ts-expect-error the handler answers with a Response
  rateLimit((request: Request) => request.url, { ...RULE, key: () => '' })
  // @ts-expect-error the first argument is a request
  rateLimit((name: string) => new Response(name), { ...RULE, key: () => '' })
  // @ts-expect-error onLimit answers with a Response
  rateLimit(own, { ...RULE, key: () => '', onLimit: () => undefined })
})
