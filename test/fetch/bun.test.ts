import { bin } from '../package/packed.ts'
import { createHandlerPlace, startProcess } from './place.ts'
import { describeRecipe } from './recipe.ts'

describeRecipe('the recipe for Bun', {
  hasFront: false,
  hasDocumentedHandler: true,
  async start({ DATABASE_URL, ORIGIN }) {
    const folder = await createHandlerPlace(ORIGIN, { files: { 'docs/snippets/http/bun.ts': 'recipe.ts' } })
    return startProcess({ folder, command: () => [bin('bun'), 'run', 'main.ts'], env: { DATABASE_URL } })
  },
})
