/** Refreshes of stale responses by running the handler again: `withResponseCache`. */
import type { CacheEvent } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  absolute,
  age,
  brief,
  createSite,
  emptied,
  fresh,
  heldLeases,
  ownCache,
  type Site,
  stored,
} from '../hono/app.ts'
import { createForm, FORMS } from './forms.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const MINUTE = 60_000
const page = (text: string) => new Response(text, { headers: fresh })

/** Returns an event listener, and the failures that it received. */
function errorsOf() {
  const events: CacheEvent[] = []
  return {
    onEvent: (event: CacheEvent) => void events.push(event),
    errors: () => events.flatMap((event) => (event.type === 'error' ? [event.error] : [])),
  }
}

describe.each(FORMS)('a refresh in the form for %s', (form) => {
  it('runs the handler again after the response', async () => {
    let version = 1
    const { fetch, calls } = createForm(form, site, () => page(`v${version}`), { stale: '1h' })
    await fetch('/a')
    version = 2
    await age(site, MINUTE + 10_000)
    const seen: unknown[] = []
    for (const _ of [1, 2]) {
      const response = await fetch('/a', { headers: { 'if-none-match': '"other"' } })
      seen.push([await response.text(), brief(response)])
    }
    expect(seen).toEqual([
      ['v1', 'hit'],
      ['v2', 'hit'],
    ])
    expect(calls.map(({ headers }) => headers.get('if-none-match'))).toEqual([null, null])
  })

  it.each<[string, () => Response | Promise<Response>, number | undefined]>([
    ['answers 500', () => new Response('failed', { status: 500 }), 500],
    ['answers with a network error', () => Response.error(), 0],
    ['answers 503 with a lifetime', () => new Response('failed', { status: 503, headers: fresh }), 503],
    [
      'throws',
      () => {
        throw new Error('broken')
      },
      form === 'fetch' ? undefined : 500,
    ],
  ])('is one error event if the handler %s, and the stale response stays', async (_name, fail, status) => {
    const { onEvent, errors } = errorsOf()
    let isBroken = false
    const { fetch, calls } = createForm(form, site, () => (isBroken ? fail() : page('page')), {
      stale: '1h',
      cache: { onEvent },
    })
    await fetch('/a')
    isBroken = true
    await age(site, MINUTE + 10_000)
    for (const _ of [1, 2, 3]) expect(await (await fetch('/a')).text()).toBe('page')
    expect(calls).toHaveLength(2)
    expect(errors()).toMatchObject([{ code: 'REFRESH', status }])
    expect(await heldLeases(site)).toEqual(['pass'])
  })

  it('that gets an already consumed response stores nothing, and blocks no request', async () => {
    let isPage = true
    const { fetch } = createForm(
      form,
      site,
      async () => {
        const response = page('page')
        if (!isPage) await response.text()
        return response
      },
      { stale: '1h' },
    )
    await fetch('/a')
    isPage = false
    await age(site, MINUTE + 10_000)
    expect(await (await fetch('/a')).text()).toBe('page')
    expect([(await stored(site)).length, await heldLeases(site)]).toEqual([1, ['pass']])
  })

  it('continues if its client disconnects', async () => {
    let version = 1
    const { dispatch, fetch, settled } = createForm(form, site, () => page(`v${version}`), { stale: '1h' })
    await fetch('/a')
    version = 2
    await age(site, MINUTE + 10_000)
    const leaving = new AbortController()
    const stale = await dispatch(new Request(absolute('/a'), { signal: leaving.signal }))
    await stale.body?.cancel()
    leaving.abort()
    await settled()
    expect(await (await fetch('/a')).text()).toBe('v2')
  })

  it.each(['hit', 'miss', 'stale', 'POST', 'Authorization'])('cannot be forged by a client: %s', async (how) => {
    let version = 1
    const { fetch, calls } = createForm(form, site, () => page(`v${version++}`), { stale: '1h' })
    await fetch('/a')
    if (how === 'stale') await age(site, MINUTE + 10_000)
    const mark = { 'pgstash-refresh': crypto.randomUUID() }
    const init: Record<string, [string, RequestInit]> = {
      POST: ['/a', { method: 'POST' }],
      miss: ['/b', {}],
      Authorization: ['/a', { headers: { authorization: 'a' } }],
    }
    const [path, given] = init[how] ?? ['/a', {}]
    const response = await fetch(path, { ...given, headers: { ...given.headers, ...mark } })
    expect(response.headers.has('pgstash-refresh')).toBe(false)
    expect(await response.text()).toBe(how === 'miss' || how === 'POST' ? 'v2' : 'v1')
    expect(calls).toHaveLength(['hit', 'Authorization'].includes(how) ? 1 : 2)
  })
})

describe('a refresh of withResponseCache', () => {
  it.each([
    [404, false],
    [302, false],
    [401, true],
    [503, true],
  ])('that ends with a thrown Response of status %i keeps the stale response: %s', async (status, isKept) => {
    const { onEvent, errors } = errorsOf()
    let isPage = true
    const { fetch } = createForm(
      'fetch',
      site,
      () => {
        if (isPage) return page('page')
        throw new Response('thrown', { status })
      },
      { stale: '1h', cache: { onEvent } },
    )
    await fetch('/a')
    isPage = false
    await age(site, MINUTE + 10_000)
    expect(await (await fetch('/a')).text()).toBe('page')
    expect(await stored(site)).toHaveLength(isKept ? 1 : 0)
    expect(errors()).toMatchObject(status === 503 ? [{ code: 'REFRESH' }] : [])
    expect((await heldLeases(site)).filter((token) => token !== 'pass')).toEqual([])
  })

  it('gets the extra arguments of the request with the stale response', async () => {
    const seen: unknown[] = []
    const background: Promise<unknown>[] = []
    const handle = withResponseCache(
      (_request: Request, env: { name: string }) => {
        seen.push(env)
        return page('page')
      },
      { cache: ownCache(site), stale: '1h', waitUntil: (work) => void background.push(work) },
    )
    const ask = async (env: { name: string }) => {
      await (await handle(new Request(absolute('/a')), env)).text()
      while (background.length > 0) await Promise.all(background.splice(0))
    }
    await ask({ name: 'first' })
    await age(site, MINUTE + 10_000)
    await ask({ name: 'second' })
    expect(seen).toEqual([{ name: 'first' }, { name: 'second' }])
  })

  it('without waitUntil runs before the response is sent', async () => {
    let version = 1
    const handle = withResponseCache((_request: Request) => page(`v${version++}`), {
      cache: ownCache(site),
      stale: '1h',
    })
    const ask = async () => (await handle(new Request(absolute('/a')))).text()
    await ask()
    await age(site, MINUTE + 10_000)
    expect([await ask(), await ask()]).toEqual(['v2', 'v2'])
  })

  it('reaches the right one of two response caches', async () => {
    const background: Promise<unknown>[] = []
    const waitUntil = (work: Promise<unknown>) => void background.push(work)
    const cache = ownCache(site)
    let runs = 0
    const options = { stale: '1h', waitUntil } as const
    const inner = withResponseCache((_request: Request) => page(`v${++runs}`), {
      ...options,
      cache: cache.namespace('inner'),
    })
    const outer = withResponseCache((request: Request) => inner(request), {
      ...options,
      cache: cache.namespace('outer'),
    })
    const ask = async () => {
      const text = await (await outer(new Request(absolute('/a')))).text()
      while (background.length > 0) await Promise.all(background.splice(0))
      return text
    }
    expect(await ask()).toBe('v1')
    await age(site, MINUTE + 10_000)
    // The refresh of the outer cache makes the inner one refresh too.
    expect([await ask(), runs]).toEqual(['v1', 2])
    expect([await ask(), runs]).toEqual(['v2', 2])
  })

  it('keeps the stored body if the handler validates it', async () => {
    const { fetch, calls } = createForm(
      'fetch',
      site,
      ({ headers }) =>
        headers.get('if-none-match') === '"1"'
          ? new Response(null, { status: 304, headers: { ...fresh, etag: '"1"' } })
          : new Response('page', { headers: { ...fresh, etag: '"1"' } }),
      { stale: '1h' },
    )
    await fetch('/a')
    await age(site, MINUTE + 10_000)
    for (const _ of [1, 2, 3]) expect(await (await fetch('/a')).text()).toBe('page')
    expect(calls.map(({ headers }) => headers.get('if-none-match'))).toEqual([null, '"1"'])
  })
})
