/** A timeout around a slow handler: the client gives up, and the handler answers later. */
import { Hono } from 'hono'
import { timeout } from 'hono/timeout'
import { withResponseCache } from 'pgstash/fetch'
import { responseCache } from 'pgstash/hono'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { absolute, brief, createSite, emptied, fresh, heldLeases, ownCache, type Site, stored } from '../hono/app.ts'
import { eventually } from '../setup/eventually.ts'
import { createGate } from '../setup/gate.ts'

let site: Site
const rejections: unknown[] = []
const onRejection = (reason: unknown) => void rejections.push(reason)
beforeAll(async () => {
  site = await createSite()
})
beforeEach(async () => {
  await emptied(site)
  rejections.length = 0
  process.on('unhandledRejection', onRejection)
})
afterEach(() => {
  process.off('unhandledRejection', onRejection)
  expect(rejections).toEqual([])
})

/** Long enough for a busy machine, unless a request is slow on purpose. */
const TIMEOUT_MS = 1_000
const leaderTokens = async () => (await heldLeases(site)).filter((token) => token !== 'pass')

describe.each(['with', 'without'])('a timeout outside of the cache, %s waitUntil,', (which) => {
  const background: Promise<unknown>[] = []
  const waitUntil = which === 'with' ? { waitUntil: (work: Promise<unknown>) => void background.push(work) } : {}

  it.each(['answers late', 'fails late', 'throws late'])(
    'leaves no lease if the handler of Hono %s, and later requests get the right answers',
    async (how) => {
      const gate = createGate()
      let isSlow = true
      const app = new Hono()
      // A busy machine may need longer for the requests after the first.
      app.use((c, next) => (isSlow ? timeout(TIMEOUT_MS)(c, next) : next()))
      app.use(responseCache({ cache: ownCache(site), ...waitUntil }))
      app.get('*', async (c) => {
        if (!isSlow) return c.text('in time', 200, fresh)
        await gate.opened
        if (how === 'throws late') throw new Error('broken')
        return how === 'fails late' ? c.text('failed', 500) : c.text('late', 200, fresh)
      })
      expect((await app.request(absolute('/a'))).status).toBe(504)
      isSlow = false
      gate.open()
      await eventually(async () => expect(await leaderTokens()).toEqual([]))
      await Promise.all(background.splice(0))
      const seen: unknown[] = []
      for (const _ of [1, 2]) {
        const response = await app.request(absolute('/a'))
        seen.push([response.status, await response.text()])
        await Promise.all(background.splice(0))
      }
      expect(seen).toEqual([
        [200, 'in time'],
        [200, 'in time'],
      ])
    },
  )

  it('stores the late response of a fetch handler', async () => {
    const gate = createGate()
    const handle = withResponseCache(
      async (_request: Request) => {
        await gate.opened
        return new Response('late', { headers: fresh })
      },
      { cache: ownCache(site), ...waitUntil },
    )
    const timedOut = new Promise<Response>((resolve) => {
      setTimeout(() => resolve(new Response(null, { status: 504 })), TIMEOUT_MS)
    })
    expect((await Promise.race([handle(new Request(absolute('/a'))), timedOut])).status).toBe(504)
    gate.open()
    await eventually(async () => expect(await stored(site)).toHaveLength(1))
    const hit = await handle(new Request(absolute('/a')))
    expect([brief(hit), await hit.text()]).toEqual(['hit', 'late'])
  })
})

describe('a timeout inside of the cache', () => {
  it('produces an error response, which is not stored', async () => {
    const gate = createGate()
    let isSlow = true
    const app = new Hono()
    app.use(responseCache({ cache: ownCache(site) }))
    app.use((c, next) => (isSlow ? timeout(TIMEOUT_MS)(c, next) : next()))
    app.get('*', async (c) => {
      if (isSlow) await gate.opened
      return c.text('page', 200, fresh)
    })
    const refused = await app.request(absolute('/a'))
    expect([refused.status, brief(refused)]).toEqual([504, 'fwd=uri-miss;detail=error'])
    isSlow = false
    gate.open()
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const response = await app.request(absolute('/a'))
      expect([await response.text(), brief(response)]).toEqual(['page', how])
    }
  })
})
