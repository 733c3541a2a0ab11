import type { CacheSnapshot } from '../cache.ts'
import { now } from '../values/clock.ts'

/** The most keys to keep: more than any request reads. */
const MAX_KEYS = 1_000

export interface NotedSnapshot {
  readonly snapshot: CacheSnapshot
  /** When the read was answered. */
  readonly at: number
}

/**
 * Keeps the snapshots of reads that found nothing fresh, for the writes that follow.
 *
 * If two requests compute the same key at the same time, both use the snapshot of the first read. The first write
 * removes the snapshot, so that an unused one does not stay.
 */
export class OldestSnapshots {
  readonly #noted = new Map<string, NotedSnapshot>()

  note(key: string, snapshot: CacheSnapshot | undefined): void {
    if (snapshot === undefined || this.#noted.has(key)) return
    const [oldest] = this.#noted.keys()
    if (this.#noted.size >= MAX_KEYS && oldest !== undefined) this.#noted.delete(oldest)
    this.#noted.set(key, { snapshot, at: now() })
  }

  take(key: string): NotedSnapshot | undefined {
    const noted = this.#noted.get(key)
    this.#noted.delete(key)
    return noted
  }
}
