import { bundleForEdge } from '../package/bundle.ts'
import { COMPATIBILITY_DATES, startWorker } from '../package/runtimes.ts'
import { createHandlerPlace } from './place.ts'
import { describeRecipe } from './recipe.ts'

for (const compatibilityDate of COMPATIBILITY_DATES) {
  describeRecipe(`the recipe for Cloudflare Workers, compatibility date ${compatibilityDate},`, {
    hasFront: false,
    hasDocumentedHandler: true,
    async start({ DATABASE_URL, ORIGIN }) {
      const folder = await createHandlerPlace(ORIGIN, { files: { 'docs/snippets/http/cloudflare.ts': 'recipe.ts' } })
      const script = await bundleForEdge({ entry: `export { default } from './worker.ts'`, folder })
      const url = await startWorker(script, { bindings: { DATABASE_URL }, compatibilityDate })
      return (path, init) => fetch(url + path, init)
    },
  })
}
