import { join } from 'node:path'
import { expect, it } from 'vitest'
import { brief, stored } from '../hono/app.ts'
import { ROOT } from '../package/packed.ts'
import { createPlace, runProcess, startProcess } from './place.ts'
import { describeRecipe, responsesStored } from './recipe.ts'

const VITE = join(ROOT, 'node_modules/vite/bin/vite.js')
const DATA = '/page/__data.json?x-sveltekit-invalidated=01'

let requestsOfBuild: number

describeRecipe(
  'the recipe for SvelteKit',
  {
    hasFront: true,
    async start(settings, { faults }) {
      const folder = await createPlace({
        files: { 'test/fetch/sveltekit/app': '.', 'docs/snippets/http/sveltekit.ts': 'src/cached.ts' },
        packages: ['@sveltejs/kit', '@sveltejs/vite-plugin-svelte', 'svelte', 'vite'],
      })
      const env = { ...settings }
      const before = faults.requests
      await runProcess({ folder, command: [process.execPath, VITE, 'build'], env })
      requestsOfBuild = faults.requests - before
      const preview = [VITE, 'preview', '--host', '127.0.0.1', '--strictPort']
      return startProcess({ folder, command: (port) => [process.execPath, ...preview, '--port', port], env })
    },
  },
  (running) => {
    const pageOf = (html: string) => /<p>(.*?)<\/p>/.exec(html)?.[1]

    it('caches a page with the headers that SvelteKit adds, separately from its data', async () => {
      const { ask } = running
      const page = await ask('/page')
      const made = pageOf(await page.text())
      expect([brief(page), page.headers.get('etag')]).toEqual(['fwd=uri-miss;stored', expect.stringMatching(/^"/)])
      await responsesStored(running, 1)
      // The key contains a hash with the version of the build.
      expect(await stored(running.site)).toEqual([expect.stringMatching(/\/page part-[\da-f]{64}$/)])
      const data = await ask(DATA)
      expect([brief(data), data.headers.get('content-type')]).toEqual(['fwd=uri-miss;stored', 'application/json'])
      expect(await data.text()).not.toContain(made)
      await responsesStored(running, 2)
      const hit = await ask('/page')
      expect([brief(hit), pageOf(await hit.text()), hit.headers.get('link')]).toEqual([
        'hit',
        made,
        page.headers.get('link'),
      ])
      expect(brief(await ask(DATA))).toBe('hit')
      const unchanged = await ask('/page', { headers: { 'if-none-match': page.headers.get('etag') ?? '' } })
      expect(unchanged.status).toBe(304)
      expect(running.origin.calls('/page')).toHaveLength(2)
    })

    it('deletes a page and its data if an action names their group', async () => {
      const { ask } = running
      for (const path of ['/page', DATA]) await (await ask(path)).text()
      await responsesStored(running, 2)
      // An action has a query in its URL, and so another URL than its page.
      const action = await ask('/page?/change', {
        method: 'POST',
        body: new URLSearchParams(),
        headers: { origin: new URL((await ask('/asset.txt')).url).origin },
      })
      expect(action.status).toBe(200)
      for (const path of ['/page', DATA]) expect(brief(await ask(path))).not.toBe('hit')
    })

    it('stores nothing during the build, and leaves prerendered pages and assets alone', async () => {
      expect(requestsOfBuild).toBe(0)
      for (const path of ['/prerendered', '/asset.txt']) {
        const response = await running.ask(path)
        expect([response.status, brief(response)]).toEqual([200, undefined])
      }
      const missing = await running.ask('/missing')
      expect([missing.status, await stored(running.site)]).toEqual([404, []])
    })

    it('stores no response with a cookie that a hook sets on the event', async () => {
      const { ask } = running
      const withCookie = () => ask('/report', { headers: { 'x-cookie': '1' } })
      const first = await withCookie()
      expect([brief(first), first.headers.getSetCookie()]).toEqual([
        'fwd=uri-miss;detail=set-cookie',
        [expect.stringMatching(/^route=1/)],
      ])
      await ask('/report')
      await responsesStored(running, 1)
      // SvelteKit adds these cookies to the responses of routes, and a hit runs no route.
      const hit = await withCookie()
      expect([brief(hit), hit.headers.getSetCookie()]).toEqual(['hit', []])
    })
  },
)
