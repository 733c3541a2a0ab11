/** Starts the Worker of worker.ts in workerd, bundled as for Cloudflare. */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { Miniflare } from 'miniflare'
import type { Site } from '../hono/app.ts'
import { bundleForEdge } from '../package/bundle.ts'
import { install, linkPackages, pack, ROOT } from '../package/packed.ts'
import { cleanup } from '../setup/cleanup.ts'
import type { WorkerEnv } from './worker.ts'

/** Returns its URL. Requests reach workerd itself, so a test gets exactly the response bytes that a client gets. */
export async function startWorker(site: Site, given: Pick<WorkerEnv, 'ORIGIN' | 'BODIES'>): Promise<URL> {
  const folder = await install(await pack())
  await linkPackages(folder, ['@neondatabase/serverless', 'hono'])
  await cp(join(ROOT, 'test/fetch/worker.ts'), join(folder, 'worker.ts'))
  const script = await bundleForEdge({ entry: `export { default } from './worker.ts'`, folder })
  const miniflare = new Miniflare({
    modules: [{ type: 'ESModule', path: 'worker.mjs', contents: script }],
    compatibilityDate: '2026-04-01',
    bindings: { ...given, ENDPOINT: site.server.endpoint, DATABASE_URL: site.server.connectionString },
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  })
  cleanup(() => miniflare.dispose())
  await miniflare.ready
  return miniflare.unsafeGetDirectURL()
}
