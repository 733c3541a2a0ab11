import type { CacheSnapshot } from '../cache.ts'
import { now } from '../values/clock.ts'

/** More keys than a request reads. */
const MAX_KEYS = 1_000

export interface Noted {
  readonly snapshot: CacheSnapshot
  /** When the read was answered. */
  readonly at: number
}

/**
 * The snapshots of reads that found nothing fresh, for the writes that follow them.
 *
 * If two requests compute one key at the same time, each takes its data to be as old as that of the first. The first write
 * takes the snapshot along, so that one that was never used does not stay.
 */
export class OldestSnapshots {
  readonly #noted = new Map<string, Noted>()

  note(key: string, snapshot: CacheSnapshot | undefined): void {
    if (snapshot === undefined || this.#noted.has(key)) return
    const [oldest] = this.#noted.keys()
    if (this.#noted.size >= MAX_KEYS && oldest !== undefined) this.#noted.delete(oldest)
    this.#noted.set(key, { snapshot, at: now() })
  }

  take(key: string): Noted | undefined {
    const noted = this.#noted.get(key)
    this.#noted.delete(key)
    return noted
  }
}
