/** Bundles for edge runtimes: no Node built-in may be reached. */
import { builtinModules } from 'node:module'
import { build, type Plugin } from 'esbuild'

export interface BundleOptions {
  /** The code of the entry. Its imports resolve from the folder. */
  readonly entry: string
  /** A folder made by `install`. */
  readonly folder: string
  readonly format?: 'esm' | 'iife'
  /** Packages left out. */
  readonly external?: readonly string[]
  readonly minify?: boolean
}

/** Names the module that imports the built-in, which one needs to know first. */
export class NodeBuiltinError extends Error {}

/** Bundles as wrangler and Vercel do for the edge. @throws NodeBuiltinError */
export async function bundleForEdge(options: BundleOptions): Promise<string> {
  const reached: string[] = []
  const { outputFiles } = await build({
    stdin: { contents: options.entry, resolveDir: options.folder, loader: 'ts' },
    absWorkingDir: options.folder,
    bundle: true,
    write: false,
    format: options.format ?? 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    external: [...(options.external ?? [])],
    minify: options.minify ?? false,
    plugins: [refuseBuiltins(reached)],
    // Do not find the settings of the repository, by which 'pgstash' means the sources.
    tsconfigRaw: {},
    logLevel: 'silent',
  })
  if (reached.length > 0) {
    throw new NodeBuiltinError(`Expected no Node built-in in a bundle for the edge, got ${reached.join(', ')}.`)
  }
  return outputFiles[0]?.text ?? ''
}

function refuseBuiltins(reached: string[]): Plugin {
  const names = builtinModules.map((name) => name.replace('/', '\\/')).join('|')
  return {
    name: 'refuse-builtins',
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`^(?:node:.*|${names})$`) }, ({ path, importer }) => {
        reached.push(`${path} (imported by ${importer})`)
        return { path, external: true }
      })
    },
  }
}

/** Bundles for workerd with the flag `nodejs_compat`, as wrangler does: Node built-ins stay imports. */
export async function bundleForNodejsCompat({ entry, folder }: BundleOptions): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: folder, loader: 'ts' },
    absWorkingDir: folder,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*', 'cloudflare:*', 'pg-native'],
    plugins: [requireBuiltins],
    tsconfigRaw: {},
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}

/** CommonJS modules call `require`, which workerd lacks: a module between them imports the built-in. */
const requireBuiltins: Plugin = {
  name: 'require-builtins',
  setup({ onResolve, onLoad }) {
    const names = builtinModules.map((name) => name.replace('/', '\\/')).join('|')
    onResolve({ filter: new RegExp(`^(?:node:)?(?:${names})$`) }, ({ path, kind }) => {
      const name = `node:${path.replace('node:', '')}`
      return kind === 'require-call' ? { path: name, namespace: 'builtin' } : { path: name, external: true }
    })
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `import builtin from '${path}'; module.exports = builtin`,
    }))
  },
}
