import { bin } from '../package/packed.ts'
import { createHandlerPlace, startProcess } from './place.ts'
import { describeRecipe } from './recipe.ts'

describeRecipe('the recipe for Deno', {
  hasFront: false,
  hasDocumentedHandler: true,
  async start({ DATABASE_URL, ORIGIN }) {
    const folder = await createHandlerPlace(ORIGIN, { files: { 'docs/snippets/http/deno.ts': 'recipe.ts' } })
    const args = ['run', '--allow-net', '--allow-env', '--no-lock', '--node-modules-dir=manual', 'main.ts']
    return startProcess({
      folder,
      command: () => [bin('deno'), ...args],
      env: { DATABASE_URL, DENO_NO_UPDATE_CHECK: '1' },
    })
  },
})
