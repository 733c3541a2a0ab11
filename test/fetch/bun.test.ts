import { expect, it } from 'vitest'
import { bin } from '../package/packed.ts'
import { createHandlerPlace, startProcess } from './place.ts'
import { describeRecipe, type Settings } from './recipe.ts'

async function start(recipe: string, { DATABASE_URL, ORIGIN }: Settings) {
  const folder = await createHandlerPlace(ORIGIN, { files: { [recipe]: 'recipe.ts' } })
  return startProcess({ folder, command: () => [bin('bun'), 'run', 'main.ts'], env: { DATABASE_URL } })
}

describeRecipe('the recipe for Bun', {
  hasFront: false,
  hasDocumentedHandler: true,
  start: (settings) => start('docs/snippets/http/bun.ts', settings),
})

describeRecipe(
  'the recipe for Bun, with routes,',
  {
    hasFront: false,
    hasDocumentedHandler: true,
    start: (settings) => start('test/fetch/runtimes/bun-routes.ts', settings),
  },
  (running) => {
    it.each([{}, { 'if-none-match': '"another"' }])(
      'passes the path parameters to the handler, with %o',
      async (headers) => {
        expect((await running.ask('/report', { headers })).headers.get('x-name')).toBe('report')
      },
    )
  },
)
