/** How many bytes a bundle gets from pgstash, by entry, by export, and for `createCache` by folder. Needs `npm run build`. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Not for the edge: these need Node. */
const NODE_ENTRIES = new Set(['./dev', './package.json'])
const EXPORTS = [
  ['createCache', 'pgstash'],
  ['memoryCache', 'pgstash'],
  ['cached', 'pgstash'],
  ['tieredCache', 'pgstash'],
  ['responseCache', 'pgstash/hono'],
  ['queryCache', 'pgstash/drizzle'],
  ['openTelemetryListener', 'pgstash/telemetry'],
  ['analyticsEngineListener', 'pgstash/telemetry'],
] as const

interface Bundle {
  readonly minified: number
  readonly gzipped: number
  /** Minified bytes by the path of the source. */
  readonly parts: ReadonlyMap<string, number>
}

/** @param folder where the code finds its imports; the package itself by default */
async function bundle(contents: string, folder = ROOT): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: folder, loader: 'ts' },
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['drizzle-orm', 'hono', '@neondatabase/serverless'],
    alias: { '#tcp': './src/postgres/connections/no-tcp.ts' },
    tsconfigRaw: {},
    logLevel: 'silent',
  })
  const text = outputFiles[0]?.text ?? ''
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
  return {
    minified: text.length,
    gzipped: gzipSync(text, { level: 9 }).length,
    parts: new Map(inputs.map(([path, { bytesInOutput }]) => [path, bytesInOutput])),
  }
}

function folderOf(path: string): string {
  if (path.includes('node_modules/')) return `${path.split('node_modules/').at(-1)}`.split('/').slice(0, 2).join('/')
  const folders = path
    .replace(/^src\//, '')
    .split('/')
    .slice(0, -1)
  return folders.slice(0, 2).join('/') || 'src'
}

function row(name: string, minified: number, gzipped: number): string {
  const cell = (bytes: number) => bytes.toLocaleString('en').padStart(10)
  return `  ${name.padEnd(40)}${cell(minified)}${cell(gzipped)}`
}

it('prints the size of each entry, of exports alone, and of the parts of createCache', async () => {
  const { exports } = JSON.parse(await readFile(`${ROOT}/package.json`, 'utf8'))
  const lines = ['', `  ${'bytes'.padEnd(40)}${'minified'.padStart(10)}${'gzipped'.padStart(10)}`]
  for (const entry of Object.keys(exports).filter((name) => !NODE_ENTRIES.has(name))) {
    const { minified, gzipped } = await bundle(`export * from '${entry.replace('.', 'pgstash')}'`)
    lines.push(row(entry, minified, gzipped))
  }
  for (const [name, from] of EXPORTS) {
    const { minified, gzipped } = await bundle(`export { ${name} } from '${from}'`)
    lines.push(row(`${name} alone`, minified, gzipped))
  }
  // The package's chunks hold modules of several folders, so this bundle is made from the sources.
  const cache = await bundle(`export { createCache } from './index.ts'`, `${ROOT}src`)
  const folders = new Map<string, number>()
  for (const [path, bytes] of cache.parts) folders.set(folderOf(path), (folders.get(folderOf(path)) ?? 0) + bytes)
  // gzip has no bytes by part, so each part gets its share.
  lines.push('', '  createCache by folder; gzipped in proportion')
  for (const [folder, bytes] of [...folders].sort(([, a], [, b]) => b - a)) {
    if (bytes > 0) lines.push(row(folder, bytes, Math.round((bytes / cache.minified) * cache.gzipped)))
  }
  console.log(lines.join('\n'))
})
