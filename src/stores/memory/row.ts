/** The rows of the memory store, and the bound on the decoded copies that the engine keeps on them. */
import type { StoredEntry } from '../../store/entries.ts'
import type { Row } from '../../store/store.ts'
import { JsonCopies } from '../../values/json-copies.ts'

/** One value must not push out the copies of all others. */
const MAX_SHARE = 1 / 8

/** Bounds the memory of decoded copies. The oldest go first; a value that is read on gets a copy again. */
export class DecodedCopies {
  readonly #maxBytes: number
  #bytes = 0
  /** In the order in which they got their copies. */
  readonly #rows = new Map<MemoryRow, JsonCopies>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** False if the copies are too large to be kept. */
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

  /** The estimate of what is kept. */
  get bytes(): number {
    return this.#bytes
  }
}

/** An entry in memory. The tag log moves its position when the log begins anew. */
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

  /** Not an own property, so that a copy of the entry with another deadline or value takes nothing along. */
  get decoded(): unknown {
    return this.#decoded
  }

  set decoded(noted: unknown) {
    if (this.#decoded instanceof JsonCopies) this.#copies?.remove(this)
    const isKept = !(noted instanceof JsonCopies) || this.#copies?.add(this, noted) === true
    this.#decoded = isKept ? noted : null
  }

  /** Gives the memory of the decoded copy back when the row is replaced, evicted or removed. */
  detach(): void {
    this.decoded = undefined
    this.#copies = undefined
  }
}
