import { expect, it } from 'vitest'
import { brief, stored } from '../hono/app.ts'
import { compile } from './compile.ts'
import { createPlace, startProcess } from './place.ts'
import { describeRecipe, responsesStored } from './recipe.ts'

const DATA = '/page.data'

describeRecipe(
  'the recipe for React Router',
  {
    hasFront: true,
    async start(settings) {
      const folder = await createPlace({
        files: { 'test/fetch/react-router': '.', 'docs/snippets/http/react-router.ts': 'recipe.ts' },
        packages: ['@hono/node-server', 'react', 'react-dom', 'react-router'],
      })
      const program = await compile(folder, 'main.js', { 'virtual:react-router/server-build': './build.jsx' })
      return startProcess({ folder, command: () => [process.execPath, program], env: { ...settings } })
    },
  },
  (running) => {
    const pageOf = (html: string) => /<p>(.*?)<\/p>/.exec(html)?.[1] ?? 'none'

    it('caches a page separately from its data', async () => {
      const { ask } = running
      const page = await ask('/page')
      const made = pageOf(await page.text())
      expect([brief(page), made]).toEqual(['fwd=uri-miss;stored', expect.stringMatching(/^[\w-]{36}$/)])
      await responsesStored(running, 1)
      // The key contains a hash with the version of the build.
      expect(await stored(running.site)).toEqual([expect.stringMatching(/\/page part-[\da-f]{64}$/)])
      const data = await ask(DATA)
      expect([brief(data), data.headers.get('x-remix-response')]).toEqual(['fwd=uri-miss;stored', 'yes'])
      const text = await data.text()
      await responsesStored(running, 2)
      const hits = [await ask('/page'), await ask(DATA)]
      expect(hits.map(brief)).toEqual(['hit', 'hit'])
      expect(hits.map(({ headers }) => headers.get('x-remix-response'))).toEqual([null, 'yes'])
      expect([pageOf((await hits[0]?.text()) ?? ''), await hits[1]?.text()]).toEqual([made, text])
      expect(running.origin.calls('/page')).toHaveLength(2)
    })

    it.each(['/page', DATA])(
      'deletes a page and its data if an action, sent to %s, names their group',
      async (path) => {
        const { ask } = running
        for (const each of ['/page', DATA]) await (await ask(each)).text()
        await responsesStored(running, 2)
        const body = new URLSearchParams()
        expect((await ask(path, { method: 'POST', body })).status).toBe(200)
        for (const each of ['/page', DATA]) expect(brief(await ask(each))).not.toBe('hit')
      },
    )

    it('shows route middleware one URL for a page and its data, so middleware cannot cache them', async () => {
      const urls = await Promise.all(
        ['/page', DATA].map(async (path) => (await running.ask(path)).headers.get('x-url-of-middleware')),
      )
      expect(urls).toEqual([urls[0], urls[0]])
      expect(urls[0]).toMatch(/\/page$/)
    })

    it('stores data with a promise that rejected midway, because its body is complete', async () => {
      const miss = await running.ask('/late.data')
      const text = await miss.text()
      expect(text).toContain('SanitizedError')
      await responsesStored(running, 1)
      const hit = await running.ask('/late.data')
      expect([brief(hit), await hit.text()]).toEqual(['hit', text])
    })

    it('stores no answer for an unknown path', async () => {
      expect((await running.ask('/missing')).status).toBe(404)
      expect(await stored(running.site)).toEqual([])
    })
  },
)
