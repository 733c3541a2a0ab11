/** Changes that other processes made, which a store reports along with its reads. */

/** The stored key or tag that changed; `all` means that anything may have. */
export type Change = readonly [kind: 'key' | 'tag' | 'all', name: string]

export interface Changes {
  /**
   * A snapshot, as `formatSnapshot` writes it. The next read passes it back. Null if the store cannot tell changes now, as a
   * standby cannot. Then no copies are kept.
   */
  readonly cursor: string | null
  /** The history that the cursor belongs to, if cursors can go back. A cursor of another history says nothing. */
  readonly history?: string | undefined
  readonly changed: readonly Change[]
  /** True if the store no longer knows what changed since the last cursor: anything may have. */
  readonly isGap: boolean
}

/** Receives changes with each read that it is passed to. */
export interface ChangeReader {
  /** The cursor of the last answer; null to begin now. */
  since(): string | null
  /** Called before the read answers, and awaited. */
  receive(changes: Changes): Promise<void>
}
