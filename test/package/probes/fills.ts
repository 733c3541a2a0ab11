/** A worker that calls `getOrSet` as its requests ask, with what an origin computes. */
import { type Cache, type CacheOptions, createCache, type Expiration } from 'pgstash'
import { database, type ProbeEnv } from './probe.ts'

export interface Env extends ProbeEnv {
  /** Computes values, and is told who has arrived. */
  readonly ORIGIN: string
}

/** What a request asks for, as JSON in `?ask=`. */
export interface Ask {
  readonly key: string
  /** The isolate's cache; the same with a `waitUntil` of the runtime's; or one of the request's own with its context's. */
  readonly cache?: 'shared' | 'background' | 'own' | undefined
  readonly options?: Pick<CacheOptions, 'onError' | 'timeout'> | undefined
  readonly lease?: Expiration | undefined
  readonly stale?: Expiration | undefined
  /** Says so to the origin before it calls. */
  readonly arrives?: boolean | undefined
  /** Never ends, without I/O that could. */
  readonly isEndless?: boolean | undefined
  /** Called inside the computation, once the origin has answered; with what another call inside of it needs. */
  readonly inner?: Ask | undefined
}

type WaitUntil = (work: Promise<unknown>) => void

export interface Context {
  waitUntil: WaitUntil
}

/** By their options. */
const caches = new Map<string, Cache>()

/** @param background a `waitUntil` that holds for whatever request is being served */
export function createWorker(background?: WaitUntil) {
  return {
    async fetch(request: Request, env: Env, ctx: Context): Promise<Response> {
      const ask = JSON.parse(new URL(request.url).searchParams.get('ask') ?? '') as Ask
      try {
        if (ask.arrives) await fetch(`${env.ORIGIN}/arrived/${ask.key}`).then((response) => response.text())
        return Response.json((await call(cacheOf(ask, env, ctx), ask, env)) ?? null)
      } catch (error) {
        // What workerd answers with when it ends a request by itself is a 5xx, and nothing else here is.
        return new Response(String(error), { status: 409 })
      }
    },
  }

  function cacheOf({ cache = 'shared', options }: Ask, env: Env, ctx: Context): Cache {
    const waitUntil = cache === 'own' ? ctx.waitUntil.bind(ctx) : cache === 'background' ? background : undefined
    const create = () => createCache(database(env), { ...options, waitUntil })
    if (cache === 'own') return create()
    const name = `${cache} ${JSON.stringify(options)}`
    const made = caches.get(name) ?? create()
    caches.set(name, made)
    return made
  }
}

function call(cache: Cache, ask: Ask, env: Env): Promise<unknown> {
  const { key, lease, stale, isEndless, inner } = ask
  const compute = async (): Promise<unknown> => {
    if (isEndless) await new Promise(() => {})
    const response = await fetch(`${env.ORIGIN}/${key}`)
    const text = await response.text()
    if (!response.ok) throw new Error(text)
    return inner === undefined ? text : [text, await call(cache, inner, env)]
  }
  return cache.getOrSet(key, compute, {
    expiration: '1h',
    ...(lease !== undefined && { lease }),
    ...(stale !== undefined && { stale }),
  })
}

export default createWorker()
