/** Lays out a `node_modules` folder as npm would, from copies of installed packages. It needs no registry, cache or network. */
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readFile, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { satisfies } from 'semver'

interface Manifest {
  readonly version: string
  readonly bin?: string | Readonly<Record<string, string>>
  readonly dependencies?: Ranges
  readonly optionalDependencies?: Ranges
  readonly peerDependencies?: Ranges
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

type Ranges = Readonly<Record<string, string>>

/** Names the package that npm would refuse to install. */
export class LayoutError extends Error {}

interface Placed {
  readonly name: string
  /** The folder that was copied. */
  readonly source: string
  readonly target: string
  readonly manifest: Manifest
}

/**
 * Copies these packages, and everything that they depend on, into `folder/node_modules`.
 *
 * Like npm, it leaves out development dependencies and optional peers, and refuses versions outside of declared ranges.
 *
 * @param packages Names with the folders that they come from.
 * @param project The folder whose `node_modules` has all dependencies.
 * @throws LayoutError if a dependency or a required peer is missing or has the wrong version, or if programs in the
 * folder would also find packages of a folder above it
 */
export async function layOut(folder: string, packages: Ranges, project: string): Promise<void> {
  for (const above of foldersFrom(dirname(folder))) {
    if (!existsSync(join(above, 'node_modules'))) continue
    throw new LayoutError(`Expected no node_modules above the test's folder, found one in ${above}: remove it.`)
  }
  const placed = new Map<string, Placed>()
  for (const [name, source] of Object.entries(packages)) await place(name, source, folder)
  for (const each of placed.values()) checkPeers(each)

  async function place(name: string, source: string, dependant: string): Promise<Manifest> {
    const above = placed.get(join(folder, 'node_modules', name))
    if (above?.source === source) return above.manifest
    // Another version has the place at the top, so this one goes below the package that needs it.
    const target = join(above === undefined ? folder : dependant, 'node_modules', name)
    const manifest = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as Manifest
    placed.set(target, { name, source, target, manifest })
    const nested = join(source, 'node_modules')
    await cp(source, target, { recursive: true, filter: (path) => path !== nested })
    await linkCommands(name, target, manifest)
    for (const [dependency, range] of Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      const found = find(dependency, source)
      if (found === undefined && dependency in (manifest.optionalDependencies ?? {})) continue
      if (found === undefined) throw new LayoutError(`${name} depends on ${dependency}, which is not installed.`)
      check(name, dependency, range, await place(dependency, found, target))
    }
    return manifest
  }

  /** Searches as Node does, but never outside of the project. */
  function find(name: string, from: string): string | undefined {
    const inProject = foldersFrom(from).filter((at) => at.startsWith(join(project, 'node_modules')))
    const candidates = [...inProject, project].map((at) => join(at, 'node_modules', name))
    return candidates.find((candidate) => existsSync(candidate))
  }

  function checkPeers({ name, target, manifest }: Placed): void {
    for (const [peer, range] of Object.entries(manifest.peerDependencies ?? {})) {
      const found = [target, folder].map((at) => placed.get(join(at, 'node_modules', peer))).find(Boolean)
      if (found !== undefined) check(name, peer, range, found.manifest)
      else if (manifest.peerDependenciesMeta?.[peer]?.optional !== true) {
        throw new LayoutError(`${name} needs the peer ${peer}, which was not asked for.`)
      }
    }
  }
}

/** A folder, and all above it. */
function foldersFrom(folder: string): string[] {
  return folder === dirname(folder) ? [folder] : [folder, ...foldersFrom(dirname(folder))]
}

function check(dependant: string, name: string, range: string, { version }: Manifest): void {
  if (satisfies(version, range)) return
  throw new LayoutError(`${dependant} needs ${name}@${range}, but ${version} is installed.`)
}

/** Links the commands of `bin` and makes them executable, as npm does. */
async function linkCommands(name: string, target: string, { bin = {} }: Manifest): Promise<void> {
  const commands = typeof bin === 'string' ? { [name.replace(/^@.*\//, '')]: bin } : bin
  const modules = target.slice(0, -name.length - 1)
  for (const [command, path] of Object.entries(commands)) {
    const link = join(modules, '.bin', command)
    await mkdir(dirname(link), { recursive: true })
    await chmod(join(target, path), 0o755)
    await symlink(relative(dirname(link), join(target, path)), link)
  }
}
