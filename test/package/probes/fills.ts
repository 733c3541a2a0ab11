/** A worker that calls `getOrSet` with values that an origin computes. Its requests choose the options. */
import { type Cache, type CacheOptions, createCache, type Expiration } from 'pgstash'
import { database, type ProbeEnv } from './probe.ts'

export interface Env extends ProbeEnv {
  /** The URL of the origin. It computes values, and counts the requests that have arrived. */
  readonly ORIGIN: string
}

/** The question of a request, as JSON in `?ask=`. */
export interface Ask {
  readonly key: string
  /** The cache of the isolate, without or with a `waitUntil` of the runtime, or a cache of this request with its own `waitUntil`. */
  readonly cache?: 'shared' | 'background' | 'own' | undefined
  readonly options?: Pick<CacheOptions, 'onError' | 'timeout'> | undefined
  readonly lease?: Expiration | undefined
  readonly stale?: Expiration | undefined
  /** Notifies the origin before the call. */
  readonly arrives?: boolean | undefined
  /** Computes without end, and without I/O that could end. */
  readonly isEndless?: boolean | undefined
  /** Called inside the computation, after the origin has answered. The arguments are for nested calls. */
  readonly inner?: Ask | undefined
}

type WaitUntil = (work: Promise<unknown>) => void

export interface Context {
  waitUntil: WaitUntil
}

/** Caches by their options. */
const caches = new Map<string, Cache>()

/** @param background a `waitUntil` for the current request, whichever it is */
export function createWorker(background?: WaitUntil) {
  return {
    async fetch(request: Request, env: Env, ctx: Context): Promise<Response> {
      const ask = JSON.parse(new URL(request.url).searchParams.get('ask') ?? '') as Ask
      try {
        if (ask.arrives) await fetch(`${env.ORIGIN}/arrived/${ask.key}`).then((response) => response.text())
        return Response.json((await call(cacheOf(ask, env, ctx), ask, env)) ?? null)
      } catch (error) {
        // Only workerd answers with 5xx here, if it ends a request by itself.
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
