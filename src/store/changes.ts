/** Changes made by other processes. A store reports them along with its reads. */

/** A change: a stored key or a tag. The kind `all` means that anything may have changed. */
export type Change = readonly [kind: 'key' | 'tag' | 'all', name: string]

/** The changes that a store reports with a read. */
export interface Changes {
  /**
   * A snapshot, as `formatSnapshot` writes it. The next read passes it back. Null if the store cannot report changes
   * now, for example on a standby. The cache then keeps no copies.
   */
  readonly cursor: string | null
  /**
   * The history that the cursor belongs to, if cursors can go back. Cursors of different histories cannot be compared.
   */
  readonly history?: string | undefined
  /** The keys and tags that changed since the cursor that was passed. */
  readonly changed: readonly Change[]
  /** True if the store no longer knows what changed since the last cursor. Anything may have changed. */
  readonly isGap: boolean
}

/** Receives the changes that come with each read. */
export interface ChangeReader {
  /** The cursor of the last answer; null to begin now. */
  since(): string | null
  /** Called before the read answers, and awaited. */
  receive(changes: Changes): Promise<void>
}
