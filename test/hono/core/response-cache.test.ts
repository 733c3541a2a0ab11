import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { emptyTables } from '../../setup/postgres-store.ts'
import { createApp, createSite, type Site, status } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(async () => {
  site.faults.heal()
  await emptyTables(site.db)
  site.faults.reset()
})

const fresh = { 'cache-control': 'max-age=60' }

describe('a response', () => {
  it('is a miss with two database requests, then a hit with one', async () => {
    const { fetch, calls } = createApp(site, (c) => c.text('Hello', 200, fresh))
    const miss = await fetch('/a')
    expect([miss.status, await miss.text(), status(miss)]).toEqual([200, 'Hello', 'pgstash;fwd=uri-miss;stored'])
    expect(site.faults.requests).toBe(2)
    const hit = await fetch('/a')
    expect([hit.status, await hit.text()]).toEqual([200, 'Hello'])
    expect(status(hit)).toMatch(/^pgstash;hit;ttl=(5\d|60)$/)
    expect(hit.headers.get('age')).toMatch(/^\d$/)
    expect(site.faults.requests).toBe(3)
    expect(calls).toHaveLength(1)
  })

  it('is a 304 in one database request that reads no body', async () => {
    const body = 'x'.repeat(100_000)
    const { fetch } = createApp(site, (c) => c.text(body, 200, { ...fresh, etag: '"1"' }))
    await fetch('/a')
    site.faults.reset()
    const response = await fetch('/a', { headers: { 'if-none-match': 'W/"1"' } })
    expect([response.status, await response.text()]).toEqual([304, ''])
    expect(site.faults.requests).toBe(1)
    expect(site.faults.bytesOut).toBeLessThan(3_000)
    expect((await (await fetch('/a', { headers: { 'if-none-match': '"2"' } })).text()).length).toBe(100_000)
  })

  it('varies by its Vary, and a hit costs one database request', async () => {
    const { fetch, calls } = createApp(site, (c) =>
      c.text(`in ${c.req.header('accept-language')}`, 200, { ...fresh, vary: 'Accept-Language' }),
    )
    for (const language of ['en', 'de', 'fr']) {
      expect(await (await fetch('/a', { headers: { 'accept-language': language } })).text()).toBe(`in ${language}`)
    }
    site.faults.reset()
    for (const language of ['en', 'de', 'fr']) {
      const hit = await fetch('/a', { headers: { 'accept-language': language } })
      expect([await hit.text(), status(hit)?.slice(0, 11)]).toEqual([`in ${language}`, 'pgstash;hit'])
    }
    expect(site.faults.requests).toBe(3)
    expect(calls).toHaveLength(3)
  })
})
