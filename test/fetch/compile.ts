import { join } from 'node:path'
import { build } from 'esbuild'

/**
 * Compiles a program for Node, whose older versions do not run TypeScript. Packages stay where they are.
 * @param alias files that replace other modules
 */
export async function compile(folder: string, entry: string, alias: Record<string, string> = {}): Promise<string> {
  const outfile = join(folder, 'server.mjs')
  await build({
    entryPoints: [join(folder, entry)],
    absWorkingDir: folder,
    outfile,
    bundle: true,
    packages: 'external',
    alias,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    jsx: 'automatic',
    tsconfigRaw: {},
  })
  return outfile
}
