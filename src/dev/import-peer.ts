import { LocalNeonError } from './local-neon-error.ts'

/** Loads an optional peer, or says how to install it. */
export async function importPeer<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch {
    throw new LocalNeonError(`Expected the package ${name} to be installed: npm install --save-dev ${name}`)
  }
}
