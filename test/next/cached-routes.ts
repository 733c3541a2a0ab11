/** Route handlers behind a response cache, by the recipe of the docs. */
import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { describeRecipe, responsesStored } from '../fetch/recipe.ts'
import { brief } from '../hono/app.ts'
import type { App } from './next-app.ts'

export function describeCachedRoutes(app: () => App): void {
  let url: string
  describeRecipe(
    'the recipe for route handlers',
    {
      base: '/api/cached',
      hasFront: false,
      async start(settings, { server }) {
        const site = await app().start({ ...settings, NEON_FETCH_ENDPOINT: server.endpoint })
        url = site.url
        return site.fetch
      },
    },
    (running) => {
      it('stores a route with only GET at a request, and not during the build', async () => {
        const miss = await running.ask('/api/cached/only-get')
        const made = await miss.text()
        expect(brief(miss)).toBe('fwd=uri-miss;stored')
        await responsesStored(running, 1)
        const hit = await running.ask('/api/cached/only-get', { headers: { 'accept-encoding': 'gzip' } })
        expect([brief(hit), await hit.text()]).toEqual(['hit', made])
      })

      it('gives each client the headers that the proxy sets for it', async () => {
        const remaining: (string | null)[] = []
        for (const result of ['fwd=uri-miss;stored', 'hit', 'hit']) {
          const response = await running.ask('/api/cached/report', { headers: { 'x-real-ip': '192.0.2.1' } })
          await response.text()
          await responsesStored(running, 1)
          expect(brief(response)).toBe(result)
          remaining.push(response.headers.get('x-remaining'))
        }
        expect(remaining).toEqual(['99', '98', '97'])
      })

      it('stores no cookie that a handler sets by `cookies()`, because Next adds it later', async () => {
        const miss = await running.ask('/api/cached/cookie')
        await miss.text()
        await responsesStored(running, 1)
        const hit = await running.ask('/api/cached/cookie')
        expect([brief(miss), miss.headers.getSetCookie()]).toEqual(['fwd=uri-miss;stored', ['own=1; Path=/']])
        expect([brief(hit), hit.headers.getSetCookie()]).toEqual(['hit', []])
      })

      it('keeps the responses of hosts apart, although Next uses one host in all URLs', async () => {
        for (const round of [1, 2])
          for (const host of ['a.test', 'b.test']) {
            expect(await askHost(url, host)).toBe(`${host} at localhost`)
            if (round === 1) await responsesStored(running, host === 'a.test' ? 1 : 2)
          }
        expect(running.origin.calls('/host')).toHaveLength(2)
      })

      it('does not affect other routes', async () => {
        expect(brief(await running.ask('/api/report'))).toBeUndefined()
      })
    },
  )
}

/** Sends a custom Host, which `fetch` does not allow. */
async function askHost(url: string, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(`${url}/api/cached/host`, { headers: { host } }, (response) => resolve(text(response))).on('error', reject)
  })
}
