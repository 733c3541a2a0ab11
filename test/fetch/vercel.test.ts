/**
 * Vercel passes each request on as a `Request`, and offers its `waitUntil` in a well-known place, on Node and on the
 * edge.
 */
import { EdgeRuntime, runServer } from 'edge-runtime'
import { bundleForEdge } from '../package/bundle.ts'
import { cleanup } from '../setup/cleanup.ts'
import { compile } from './compile.ts'
import { createHandlerPlace, startProcess } from './place.ts'
import { describeRecipe } from './recipe.ts'

describeRecipe('the recipe for Vercel functions on Node', {
  hasFront: false,
  hasDocumentedHandler: true,
  async start({ DATABASE_URL, ORIGIN }) {
    const folder = await createHandlerPlace(ORIGIN, {
      files: { 'docs/snippets/http/vercel-fetch.ts': 'recipe.ts' },
      packages: ['@hono/node-server', '@vercel/functions'],
    })
    const program = await compile(folder, 'vercel-node.ts')
    return startProcess({ folder, command: () => [process.execPath, program], env: { DATABASE_URL } })
  },
})

describeRecipe('the recipe for Vercel functions on the edge, with one export for each method,', {
  hasFront: false,
  hasDocumentedHandler: true,
  async start({ DATABASE_URL, ORIGIN }) {
    const folder = await createHandlerPlace(ORIGIN, {
      files: { 'docs/snippets/http/vercel-methods.ts': 'recipe.ts' },
      packages: ['@vercel/functions'],
    })
    const initialCode = await bundleForEdge({ entry: `import './vercel-edge.ts'`, folder, format: 'iife' })
    const runtime = new EdgeRuntime({
      initialCode,
      extend: (context) => Object.assign(context, { process: { env: { DATABASE_URL } } }),
    })
    const server = await runServer({ runtime, host: '127.0.0.1', port: 0 })
    cleanup(() => server.close())
    return (path, init) => fetch(new URL(path, server.url), init)
  },
})
