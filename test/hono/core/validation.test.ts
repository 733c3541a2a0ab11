import { sql } from 'drizzle-orm'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createApp, createSite, emptied, fresh, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const modified = 'Tue, 01 Jan 2030 00:00:00 GMT'

/** A handler that evaluates conditions, like a static file server. */
function versioned(body: string) {
  const state = { tag: '"1"', body, notModified: {} as Record<string, string> }
  const handler = (c: import('hono').Context) => {
    const headers = { ...fresh, etag: state.tag }
    if (c.req.header('if-none-match') === state.tag) {
      return c.body(null, 304, { ...headers, ...state.notModified })
    }
    return c.text(state.body, 200, { ...headers, 'cache-tag': 'version' })
  }
  return { state, handler }
}

describe('a stale response', () => {
  it('is validated by the handler, and its body is neither transferred nor written again', async () => {
    const { state, handler } = versioned('x'.repeat(100_000))
    const { fetch, calls } = createApp(site, handler)
    await fetch('/a')
    await age(site, 70_000)
    state.notModified = { 'x-new': 'yes', 'content-type': 'text/other', 'content-length': '0' }
    const response = await fetch('/a')
    expect([response.status, (await response.text()).length]).toEqual([200, 100_000])
    expect(brief(response)).toBe('fwd=stale;fwd-status=304;stored')
    expect([response.headers.get('x-new'), response.headers.get('age')]).toEqual(['yes', null])
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(calls[1]?.headers.get('if-none-match')).toBe('"1"')
    expect(site.faults.requests).toBe(2)
    // The statements, and a fraction of the body's 100,000 bytes.
    expect(site.faults.bytesIn).toBeLessThan(15_000)
    const hit = await fetch('/a')
    expect([brief(hit), hit.headers.get('x-new'), (await hit.text()).length]).toEqual(['hit', 'yes', 100_000])
  })

  it('transfers no body if the client has it too', async () => {
    const { handler } = versioned('x'.repeat(100_000))
    const { fetch } = createApp(site, handler)
    await fetch('/a')
    await age(site, 70_000)
    const response = await fetch('/a', { headers: { 'if-none-match': '"1"' } })
    expect([response.status, await response.text()]).toEqual([304, ''])
    expect(site.faults.bytesIn + site.faults.bytesOut).toBeLessThan(18_000)
    expect(brief(await fetch('/a'))).toBe('hit')
  })

  it('keeps its tags if the 304 names none', async () => {
    const { state, handler } = versioned('one')
    const { fetch } = createApp(site, handler, { tags: (c) => [`path ${c.req.path}`] })
    const cache = site.client()
    for (const tag of ['version', 'path /a']) {
      await fetch('/a')
      await age(site, 70_000)
      expect(brief(await fetch('/a'))).toBe('fwd=stale;fwd-status=304;stored')
      await cache.invalidate(tag)
      expect(brief(await fetch('/a'))).toBe('fwd=miss;stored')
    }
    expect(state.tag).toBe('"1"')
  })

  it('releases its lease if the tags option throws', async () => {
    const { handler } = versioned('one')
    let isBroken = false
    const tags = () => {
      if (isBroken) throw new Error('broken')
      return ['tag']
    }
    const { fetch } = createApp(site, handler, { tags })
    await fetch('/a')
    await age(site, 70_000)
    isBroken = true
    expect((await fetch('/a')).status).toBe(500)
    isBroken = false
    expect(brief(await fetch('/a'))).toBe('fwd=stale;fwd-status=304;stored')
  })

  it('with status 404 is not revived by a page with the same entity tag', async () => {
    let exists = false
    const { fetch } = createApp(site, (c) => {
      const headers = { ...fresh, etag: '"1"' }
      if (exists && c.req.header('if-none-match') === '"1"') return c.body(null, 304, headers)
      return c.text('page', exists ? 200 : 404, headers)
    })
    expect((await fetch('/a')).status).toBe(404)
    await age(site, 70_000)
    exists = true
    expect((await fetch('/a')).status).toBe(200)
  })

  it('is replaced if the handler answers with a new response, which the client gets whole', async () => {
    const { state, handler } = versioned('one')
    const { fetch } = createApp(site, handler)
    await fetch('/a')
    await age(site, 70_000)
    Object.assign(state, { tag: '"2"', body: 'two' })
    const response = await fetch('/a')
    expect([await response.text(), brief(response)]).toEqual(['two', 'fwd=stale;stored'])
    expect(await (await fetch('/a')).text()).toBe('two')
  })

  it('is validated by Last-Modified alone', async () => {
    const { fetch, calls } = createApp(site, (c) =>
      c.req.header('if-modified-since') === modified
        ? c.body(null, 304, fresh)
        : c.text('Hello', 200, { ...fresh, 'last-modified': modified }),
    )
    await fetch('/a')
    await age(site, 70_000)
    expect(await (await fetch('/a')).text()).toBe('Hello')
    expect(calls).toHaveLength(2)
  })

  it('has no Age for the client that it was validated for', async () => {
    let at = modified
    const { fetch } = createApp(site, (c) => {
      const headers = { ...fresh, etag: '"1"', 'last-modified': at }
      return c.req.header('if-none-match') ? c.body(null, 304, headers) : c.text('Hello', 200, headers)
    })
    await fetch('/a')
    await age(site, 70_000)
    at = 'Wed, 02 Jan 2030 00:00:00 GMT'
    const response = await fetch('/a', { headers: { 'if-modified-since': modified } })
    expect([response.status, await response.text(), response.headers.get('age')]).toEqual([200, 'Hello', null])
  })

  it.each(['no-cache="set-cookie, x-user"', 'private="set-cookie, x-user"'])(
    'with %s gives the headers of its validation to that client, and to no other',
    async (restricted) => {
      let calls = 0
      const { fetch } = createApp(site, (c) => {
        const headers = { 'cache-control': `max-age=60, ${restricted}`, etag: '"1"', 'x-user': String(++calls) }
        const response = c.req.header('if-none-match') ? c.body(null, 304, headers) : c.text('Hello', 200, headers)
        for (const name of ['a', 'b']) response.headers.append('set-cookie', `${name}=${calls}`)
        return response
      })
      await fetch('/a')
      await age(site, 70_000)
      const own = async (init = {}) => {
        const { status, headers } = await fetch('/a', init)
        return [status, headers.get('x-user'), headers.getSetCookie()]
      }
      expect(await own()).toEqual([200, '2', ['a=2', 'b=2']])
      expect(await own()).toEqual([200, null, []])
      await age(site, 70_000)
      expect(await own({ headers: { 'if-none-match': '"1"' } })).toEqual([304, '3', ['a=3', 'b=3']])
    },
  )

  it('is a 304 for the validating client if its body has been deleted', async () => {
    let at = modified
    let isAway = false
    const { fetch } = createApp(site, (c) => {
      const headers = { ...fresh, etag: '"1"', 'last-modified': at }
      if (isAway) site.faults.always({ kind: 'error', status: 500 })
      return c.req.header('if-none-match') ? c.body(null, 304, headers) : c.text('Hello', 200, headers)
    })
    await fetch('/a')
    await age(site, 70_000)
    at = 'Wed, 02 Jan 2030 00:00:00 GMT'
    isAway = true
    // The client has that very body: its condition matched the response stored until now.
    expect((await fetch('/a', { headers: { 'if-modified-since': modified } })).status).toBe(304)
  })

  it('is removed if the 304 brings no-store, after it answers this request', async () => {
    const { state, handler } = versioned('one')
    const { fetch } = createApp(site, handler)
    await fetch('/a')
    await age(site, 70_000)
    state.notModified = { 'cache-control': 'no-store' }
    expect(await (await fetch('/a')).text()).toBe('one')
    expect(await stored(site)).toEqual([])
  })

  it('is removed if the 304 varies on a field that its key does not cover', async () => {
    const { state, handler } = versioned('one')
    const { fetch } = createApp(site, (c) =>
      c.req.header('accept-language') === 'de' ? c.text('eins', 200, { ...fresh, ...state.notModified }) : handler(c),
    )
    const english = { headers: { 'accept-language': 'en' } }
    await fetch('/a', english)
    await age(site, 70_000)
    state.notModified = { vary: 'Accept-Language' }
    const response = await fetch('/a', english)
    expect([await response.text(), brief(response)]).toEqual(['one', 'fwd=stale;fwd-status=304'])
    expect(await (await fetch('/a', { headers: { 'accept-language': 'de' } })).text()).toBe('eins')
  })

  it('is not updated if it changed during the validation', async () => {
    const { handler } = versioned('one')
    let meanwhile = async () => {}
    const { fetch } = createApp(site, async (c) => {
      await meanwhile()
      return handler(c)
    })
    await fetch('/a')
    await age(site, 70_000)
    meanwhile = async () => {
      await site.client().invalidate('version')
    }
    expect(await (await fetch('/a')).text()).toBe('one')
    meanwhile = async () => {}
    expect(brief(await fetch('/a'))).toBe('fwd=miss;stored')
  })

  it('is not updated by a 304 about another representation, and answers clients that cannot use a 304', async () => {
    let isWrong = false
    const { fetch, calls } = createApp(site, (c) =>
      isWrong && c.req.header('if-none-match')
        ? c.body(null, 304, { ...fresh, etag: '"other"' })
        : c.text('Hello', 200, { ...fresh, etag: '"1"' }),
    )
    await fetch('/a')
    await age(site, 70_000)
    isWrong = true
    const response = await fetch('/a')
    expect([response.status, await response.text()]).toEqual([200, 'Hello'])
    expect(brief(response)).toBe('fwd=stale;fwd-status=304;detail=validator')
    // The next request has no condition.
    expect(brief(await fetch('/a'))).toBe('fwd=uri-miss;stored')
    expect(calls[2]?.headers.has('if-none-match')).toBe(false)
    await age(site, 70_000)
    expect((await fetch('/a', { headers: { 'if-none-match': '"other"' } })).status).toBe(304)
  })

  it('with no-cache is validated every time', async () => {
    const { fetch, calls } = createApp(site, (c) => {
      const headers = { 'cache-control': 'no-cache', etag: '"1"' }
      return c.req.header('if-none-match') === '"1"' ? c.body(null, 304, headers) : c.text('Hello', 200, headers)
    })
    for (const _ of [1, 2, 3]) expect(await (await fetch('/a')).text()).toBe('Hello')
    expect(calls.map(({ headers }) => headers.get('if-none-match'))).toEqual([null, '"1"', '"1"'])
  })

  it('with must-revalidate does not replace the handler’s error', async () => {
    let isBroken = false
    const { fetch } = createApp(
      site,
      (c) =>
        isBroken
          ? c.text('down', 504)
          : c.text('Hello', 200, { 'cache-control': 'max-age=60, must-revalidate', etag: '"1"' }),
      { staleIfError: '1h' },
    )
    await fetch('/a')
    await age(site, 70_000)
    isBroken = true
    expect((await fetch('/a')).status).toBe(504)
  })

  it('restores the conditions of the client for outer middleware', async () => {
    const { handler } = versioned('one')
    const seen: (string | undefined)[] = []
    const { fetch } = createApp(
      site,
      handler,
      {},
      {
        before: [
          async (c, next) => {
            await next()
            seen.push(c.req.header('if-none-match'))
          },
        ],
      },
    )
    await fetch('/a', { headers: { 'if-none-match': '"0"' } })
    await age(site, 70_000)
    await fetch('/a')
    expect(seen).toEqual(['"0"', undefined])
  })

  it('has one row: a validation writes no second one', async () => {
    const { handler } = versioned('one')
    const { fetch } = createApp(site, handler)
    await fetch('/a')
    for (const _ of [1, 2, 3]) {
      await age(site, 70_000)
      await fetch('/a')
    }
    const { rows } = await site.db.execute(sql`select count(*)::int as count from cache_entries`)
    expect(rows).toEqual([{ count: 1 }])
  })
})
