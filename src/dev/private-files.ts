/** Creates the files of PGlite with rights for their owner only. */

import type { NodeFS } from '@electric-sql/pglite/nodefs'
import { importPeer } from './import-peer.ts'

const OWNER_ONLY = ~0o077

type Settings = Parameters<NodeFS['init']>[1]
type Module = Parameters<NonNullable<Settings['preRun']>[number]>[0]

/** The operations with which Emscripten's file system creates a file and changes its rights. */
interface NodeOperations {
  mknod(parent: unknown, name: string, mode: number, device: unknown): unknown
  setattr(node: unknown, attributes: { mode?: number }): void
}

export async function privateFiles(dataDir: string): Promise<NodeFS> {
  const { NodeFS } = await importPeer('@electric-sql/pglite', () => import('@electric-sql/pglite/nodefs'))
  class PrivateFiles extends NodeFS {
    override async init(...[pg, settings]: Parameters<NodeFS['init']>) {
      // PGlite's Emscripten creates files with 0666 and ignores the umask. The umask would affect the whole process
      // anyway.
      return super.init(pg, { ...settings, preRun: [...(settings.preRun ?? []), restrictModes] })
    }
  }
  return new PrivateFiles(dataDir)
}

function restrictModes(module: Module): void {
  const operations = Reflect.get(Object(Reflect.get(module, 'NODEFS')), 'node_ops') as NodeOperations | undefined
  // A future PGlite may lack these operations. Then the rights of the folder still keep other users out.
  if (operations === undefined) return
  const { mknod, setattr } = operations
  operations.mknod = (parent, name, mode, device) => mknod(parent, name, mode & OWNER_ONLY, device)
  operations.setattr = (node, attributes) =>
    setattr(node, attributes.mode === undefined ? attributes : { ...attributes, mode: attributes.mode & OWNER_ONLY })
}
