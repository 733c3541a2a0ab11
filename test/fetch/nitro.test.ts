import { join } from 'node:path'
import { expect, it } from 'vitest'
import { brief, stored } from '../hono/app.ts'
import { ROOT } from '../package/packed.ts'
import { createPlace, runProcess, startProcess } from './place.ts'
import { type Ask, describeRecipe, type Running, type Settings } from './recipe.ts'

const NITRO = join(ROOT, 'node_modules/nitro/dist/cli/index.mjs')

let built: Promise<string> | undefined

async function build(): Promise<string> {
  const folder = await createPlace({
    files: {
      'test/fetch/nitro/app': '.',
      'docs/snippets/http/nitro-middleware.ts': 'server/lib/middleware.ts',
      'docs/snippets/http/nitro-route.ts': 'server/lib/cached.ts',
    },
    packages: ['nitro'],
  })
  await runProcess({ folder, command: [process.execPath, NITRO, 'build'] })
  return folder
}

async function start(settings: Settings): Promise<Ask> {
  built ??= build()
  const folder = await built
  return startProcess({
    folder,
    command: () => [process.execPath, '.output/server/index.mjs'],
    env: { ...settings },
  })
}

function describeEvents(base: string, running: Running) {
  it('passes the properties that Nitro adds to a request to the handler', async () => {
    await running.ask(`${base}/report`, { headers: { 'if-none-match': '"another"' } })
    expect(running.origin.calls('/report')).toMatchObject([{ 'x-address': '127.0.0.1', 'x-runtime': 'node' }])
  })

  it('leaves errors to Nitro', async () => {
    const [failing, bare] = [await running.ask(`${base}/failing`), await running.ask('/bare')]
    expect([failing.status, await failing.json()]).toEqual([422, await bare.json()])
    expect(await stored(running.site)).toEqual([])
  })
}

describeRecipe(
  'the recipe for a middleware of Nitro',
  { base: '/whole', hasFront: true, canRefreshInBackground: false, start },
  (running) => {
    describeEvents('/whole', running)

    it('leaves assets and unknown paths unchanged', async () => {
      const asset = await running.ask('/asset.txt')
      expect([asset.status, await asset.text(), brief(asset)]).toEqual([200, 'an asset\n', undefined])
      const [missing, bare] = [await running.ask('/whole/missing'), await running.ask('/missing')]
      expect([missing.status, brief(missing)]).toEqual([404, undefined])
      expect((await missing.text()).replace('/whole', '')).toBe(await bare.text())
    })
  },
)

describeRecipe('the recipe for a handler of Nitro', { base: '/single', hasFront: true, start }, (running) =>
  describeEvents('/single', running),
)
