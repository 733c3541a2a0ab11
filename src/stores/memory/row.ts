/** The rows of the memory store, and the limit for the decoded copies that the engine attaches to them. */
import type { StoredEntry } from '../../store/entries.ts'
import type { Row } from '../../store/store.ts'
import { JsonCopies } from '../../values/json-copies.ts'

/** The largest share of the memory for one value, so that it does not evict the copies of all others. */
const MAX_SHARE = 1 / 8

/**
 * Bounds the memory of decoded copies. The oldest copies are dropped first. The next read of a value makes a new copy.
 */
export class DecodedCopies {
  readonly #maxBytes: number
  #bytes = 0
  /** The rows with copies, in the order in which they got them. */
  readonly #rows = new Map<MemoryRow, JsonCopies>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Adds the copies of a row. Returns false if they are too large to keep. */
  add(row: MemoryRow, copies: JsonCopies): boolean {
    if (copies.bytes > this.#maxBytes * MAX_SHARE) return false
    this.#rows.set(row, copies)
    this.#bytes += copies.bytes
    for (const oldest of this.#rows.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      oldest.decoded = undefined
    }
    return true
  }

  remove(row: MemoryRow): void {
    this.#bytes -= this.#rows.get(row)?.bytes ?? 0
    this.#rows.delete(row)
  }

  /** The estimated memory of all copies. */
  get bytes(): number {
    return this.#bytes
  }
}

/** An entry in memory. The tag log changes its position when the log starts over. */
export class MemoryRow implements StoredEntry, Row {
  readonly key: string
  readonly value: string | null
  readonly number: string | null
  readonly tags: readonly string[] | null
  position: number
  readonly computeMs: number | null
  readonly expiresAt: number
  readonly staleUntil: number
  readonly createdAt: number
  readonly updatedAt: number
  #decoded: unknown
  /** Undefined once the row is no longer stored. */
  #copies: DecodedCopies | undefined

  constructor(entry: StoredEntry, copies: DecodedCopies) {
    this.key = entry.key
    this.value = entry.value
    this.number = entry.number
    this.tags = entry.tags
    this.position = entry.position
    this.computeMs = entry.computeMs
    this.expiresAt = entry.expiresAt
    this.staleUntil = entry.staleUntil
    this.createdAt = entry.createdAt
    this.updatedAt = entry.updatedAt
    this.#copies = copies
  }

  /** An accessor, so that a spread of the row, with another deadline or value, does not copy it. */
  get decoded(): unknown {
    return this.#decoded
  }

  set decoded(noted: unknown) {
    if (this.#decoded instanceof JsonCopies) this.#copies?.remove(this)
    const isKept = !(noted instanceof JsonCopies) || this.#copies?.add(this, noted) === true
    this.#decoded = isKept ? noted : null
  }

  /** Releases the memory of the decoded copy when the row is replaced, evicted or removed. */
  detach(): void {
    this.decoded = undefined
    this.#copies = undefined
  }
}
