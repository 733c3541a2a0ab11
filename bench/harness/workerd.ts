/** Workers in workerd, and the CPU time that each of these processes uses. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import type { Bench } from './bench.ts'
import { type Checkout, ROOT } from './checkout.ts'
import { cpuMs } from './meter.ts'

export interface Worker {
  readonly url: URL
  /** Milliseconds of CPU so far, of all threads; undefined where the system does not tell. */
  cpuMs(): Promise<number | undefined>
}

/** @param file below bench/workers */
export async function startWorker(
  bench: Bench,
  file: string,
  checkout: Checkout,
  bindings: Record<string, string>,
): Promise<Worker> {
  const before = new Set(await workerdProcesses())
  const miniflare = new Miniflare({
    modules: [{ type: 'ESModule', path: 'worker.mjs', contents: await bundle(file, checkout) }],
    compatibilityDate: '2026-04-01',
    bindings,
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  })
  bench.onClose(() => miniflare.dispose())
  await miniflare.ready
  const pid = (await workerdProcesses()).find((candidate) => !before.has(candidate))
  return { url: await miniflare.unsafeGetDirectURL(), cpuMs: async () => (pid === undefined ? undefined : cpuMs(pid)) }
}

async function bundle(file: string, { root }: Checkout): Promise<string> {
  const dist = (entry: string) => join(root, 'dist', entry, 'index.js')
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../workers/${file}.ts`, import.meta.url))],
    absWorkingDir: ROOT,
    alias: { 'pgstash/hono': dist('hono'), pgstash: dist('') },
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    tsconfigRaw: {},
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}

/** Linux only: others have no /proc. */
async function workerdProcesses(): Promise<string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const found: string[] = []
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const [, name, rest = ''] = /\((.*)\) (.*)/.exec(stat) ?? []
    const parent = Number(rest.split(' ')[1])
    if (name === 'workerd' && parent === process.pid) found.push(pid)
  }
  return found
}
