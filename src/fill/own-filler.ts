/** `getOrSet` for a store of one's own. */
import type { GetOrSetOptions } from '../cache.ts'
import type { FillEnvironment } from './environment.ts'
import { createFiller as createEngineFiller, type Filler } from './get-or-set.ts'
import type { FillStore } from './store.ts'

type Compute = [key: string, storedKey: string, compute: unknown, options?: GetOrSetOptions]

export interface OwnFiller extends Pick<Filler, 'detach'> {
  getOrSet(...args: Compute): Promise<unknown>
  refresh(...args: Compute): Promise<unknown>
}

export function createFiller(store: FillStore, options?: Partial<FillEnvironment>): OwnFiller {
  const { detach, getOrSet, refresh } = createEngineFiller(store, options)
  return {
    detach,
    getOrSet: async (...args) => (await getOrSet(...args)).value,
    refresh: async (...args) => (await refresh(...args)).value,
  }
}
