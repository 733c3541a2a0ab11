/** What the parts of one cache share. */
import type { Filler } from '../fill/get-or-set.ts'
import type { Settings } from '../store/settings.ts'
import type { Scope } from '../values/key.ts'
import type { Circuit } from './circuit.ts'
import type { createCoalescer } from './coalesce.ts'
import type { Runner } from './runner.ts'

/** Keys of one statement: at 512 bytes each, some 5 MB. */
export const MAX_KEYS = 10_000

/** The same for a cache and the namespaces nested in it. */
export interface Shared extends Settings {
  readonly runner: Runner
  readonly coalesced: ReturnType<typeof createCoalescer>
  readonly filler: Filler
  /** With `onError: 'miss'`; undefined where every failure is the caller's. */
  readonly circuit: Circuit | undefined
}

export interface Context extends Shared {
  readonly scope: Scope
}
