/** One handler behind both forms of the response cache: Hono middleware, and the wrapper of a fetch handler. */
import { type Context, Hono } from 'hono'
import type { CacheOptions } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { responseCache } from 'pgstash/hono'
import { absolute, ownCache, type Site } from '../hono/app.ts'

export type Form = 'Hono' | 'fetch'

export const FORMS: readonly Form[] = ['Hono', 'fetch']

export type Handler = (request: Request) => Response | Promise<Response>

/** The options with the same form in both. */
type Options = Omit<NonNullable<Parameters<typeof withResponseCache>[1]>, 'cache' | 'key' | 'authenticated' | 'tags'>

/** Options that depend on the request. */
interface PerRequest {
  readonly key?: (request: Request) => string | URL | undefined
  readonly authenticated?: (request: Request) => string | undefined
}

/** A handler behind a response cache. Both forms can refresh a stale response in the background. */
export function createForm(
  form: Form,
  site: Site,
  handler: Handler,
  {
    key,
    authenticated,
    ...options
  }: Omit<Options, 'waitUntil'> &
    PerRequest & {
      readonly cache?: CacheOptions
      readonly waitUntil?: (work: Promise<unknown>) => void
    } = {},
) {
  const calls: Request[] = []
  const background: Promise<unknown>[] = []
  const run = (request: Request) => {
    calls.push(request)
    return handler(request)
  }
  const settings = {
    waitUntil: (work: Promise<unknown>) => void background.push(work),
    ...options,
    cache: ownCache(site, options.cache),
  }
  const perRequest = { ...(key && { key }), ...(authenticated && { authenticated }) }
  const dispatch =
    form === 'Hono'
      ? inHono(run, { ...settings, ...inContext(perRequest) })
      : withResponseCache(run, { ...settings, ...perRequest })
  const settled = async () => {
    while (background.length > 0) await Promise.all(background.splice(0))
  }
  return {
    calls,
    settled,
    /** The function that a server calls. */
    dispatch,
    /** The response as soon as it arrives, without its background work. */
    send: async (path: string, init: RequestInit = {}) => dispatch(new Request(absolute(path), init)),
    /** The response, after all its background work has ended. */
    async fetch(path: string, init: RequestInit = {}): Promise<Response> {
      const response = await dispatch(new Request(absolute(path), init))
      const body = await response.arrayBuffer()
      await settled()
      return new Response([101, 204, 205, 304].includes(response.status) ? null : body, response)
    },
  }
}

function inHono(run: Handler, settings: Parameters<typeof responseCache>[0]) {
  const app = new Hono()
  app.use(responseCache({ ...settings, refresh: (request, c) => app.fetch(request, c.env) }))
  app.all('*', (c) => run(c.req.raw))
  return async (request: Request, env?: unknown) => app.fetch(request, env as object)
}

function inContext({ key, authenticated }: PerRequest) {
  return {
    ...(key && { key: (c: Context) => key(c.req.raw) }),
    ...(authenticated && { authenticated: (c: Context) => authenticated(c.req.raw) }),
  }
}
