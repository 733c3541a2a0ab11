import { sql } from 'drizzle-orm'
import { purge } from 'pgstash/fetch'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { brief, createSite, emptied, fresh, heldLeases, ownCache, type Site, stored, stream } from '../hono/app.ts'
import { createGate } from '../setup/gate.ts'
import { createForm, FORMS, type Handler } from './forms.ts'
import { answered, createPages, MISSED, nextGet, type Options, POST } from './posts.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const URL_A = 'https://example.com/a'

describe.each(FORMS)('%s: the answer to a POST and a concurrent write', (form) => {
  const pages = (answer?: Handler, options?: Options) => createPages([form, site], answer, options)

  type Write = (site1: ReturnType<typeof pages>) => Promise<unknown>
  const WRITES: [string, Write][] = [
    ['a PUT', async ({ send }) => (await send('/a', { method: 'PUT' })).text()],
    ['a POST', async ({ send }) => (await send('/a', { ...POST, body: 'other' })).text()],
    ['a purge of its URL', () => purge(ownCache(site), { urls: [URL_A] })],
    ['a soft purge of its URL', () => purge(ownCache(site), { urls: [URL_A], soft: true })],
    ['a purge of a prefix', () => purge(ownCache(site), { prefixes: ['https://example.com/'] })],
    ['an invalidation of its tag', () => ownCache(site).invalidate(['t'])],
  ]
  const tagged = () => answered({ 'cache-tag': 't' })

  it.each(WRITES)('is not stored after %s that ends while the handler runs', async (_name, write) => {
    const [started, gate] = [createGate(), createGate()]
    const site1 = pages(async (request) => {
      if ((await request.text()) === 'other') return new Response('other')
      started.open()
      await gate.opened
      return tagged()
    })
    const response = site1.fetch('/a', POST)
    await started.opened
    await write(site1)
    gate.open()
    expect(await (await response).text()).toBe('posted')
    expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
    expect(await nextGet(site1)).toEqual(MISSED)
  })

  it.each(WRITES)('is not stored after %s that ends while the body is sent', async (_name, write) => {
    const source = stream()
    const site1 = pages(async (request) => {
      if ((await request.text()) === 'other') return new Response('other')
      return new Response(source.body, { headers: tagged().headers })
    })
    const response = await site1.send('/a', POST)
    source.push('from before')
    await write(site1)
    source.close()
    expect(await response.text()).toBe('from before')
    await site1.settled()
    expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
  })

  it.each(WRITES.filter(([name]) => !name.includes('soft')))(
    'is deleted by %s that ends after it',
    async (_name, write) => {
      const site1 = pages(async (request) => ((await request.text()) === 'other' ? new Response('other') : tagged()))
      await site1.fetch('/a', POST)
      expect(await nextGet(site1)).toEqual(['hit', 'posted'])
      await write(site1)
      expect((await nextGet(site1))[1]).toBe('page of GET')
    },
  )

  it('is deleted by a PUT that began before it and ends after it', async () => {
    const [started, gate] = [createGate(), createGate()]
    const site1 = createForm(
      form,
      site,
      async ({ method }) => {
        if (method !== 'PUT') return method === 'POST' ? answered() : new Response('page of GET', { headers: fresh })
        started.open()
        await gate.opened
        return new Response('put')
      },
      { storePost: true },
    )
    const put = site1.fetch('/a', { method: 'PUT' })
    await started.opened
    expect(brief(await site1.send('/a', POST))).toBe('fwd=method;stored')
    gate.open()
    await put
    expect(await nextGet(site1)).toEqual(MISSED)
  })

  it('is not stored if its own handler invalidates its tag or purges its URL', async () => {
    for (const write of [WRITES[2], WRITES[5]]) {
      const site1 = pages(async () => {
        await write?.[1](site1)
        return tagged()
      })
      await site1.fetch('/a', POST)
      expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
    }
  })

  it('is stored by neither of two concurrent POSTs whose handlers overlap', async () => {
    const gates = [createGate(), createGate()]
    const started = [createGate(), createGate()]
    const site1 = pages(async (request) => {
      const index = Number(await request.text())
      started[index]?.open()
      await gates[index]?.opened
      return answered()
    })
    const requests: Promise<Response>[] = []
    for (const [index, gate] of started.entries()) {
      requests.push(site1.fetch('/a', { method: 'POST', body: String(index) }))
      await gate.opened
    }
    // The second has no lease. Its purge breaks the lease of the first.
    for (const index of [1, 0]) {
      gates[index]?.open()
      await requests[index]
    }
    expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
  })

  it('breaks the lease of a GET that took over from it', async () => {
    const [started, gate] = [createGate(), createGate()]
    const source = stream()
    const site1 = createForm(
      form,
      site,
      async ({ method }) => {
        if (method === 'GET') return new Response(source.body, { headers: fresh })
        started.open()
        await gate.opened
        return answered()
      },
      { storePost: true },
    )
    const post = site1.send('/a', POST)
    await started.opened
    // The lease of the POST expires. The GET claims it, and reads data that the POST is about to change.
    await site.db.execute(sql`update cache_leases set expires_at = now() - interval '1 second'`)
    const get = await site1.send('/a')
    source.push('from before')
    gate.open()
    expect(await (await post).text()).toBe('posted')
    source.close()
    expect(await get.text()).toBe('from before')
    await site1.settled()
    expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
  })
})
