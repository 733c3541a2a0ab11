/**
 * Keeps outdated values out of the first tier.
 *
 * Another call may write between a read of the second tier and the copy of its answer. So a call that makes a copy
 * opens a guard before it asks the second tier. A write of the key invalidates the guards of other calls when it starts
 * and when it ends. If writes overlap, nobody knows which value the store kept, so none of them leaves a copy.
 */
export interface CopyGuard {
  readonly key: string
  /** False if a copy could be older than the entry. */
  isValid: boolean
}

export interface CopyGuards {
  open(keys: readonly string[]): CopyGuard[]
  close(guards: Iterable<CopyGuard>): void
  /** Invalidates the guards of these keys, or all guards, except the caller's own. */
  invalidate(keys: Iterable<string> | 'all', own?: readonly CopyGuard[]): void
  /** Runs a write of the keys of the caller's guards, or a write of all keys. Invalidates the guards of others. */
  during<T>(own: readonly CopyGuard[] | 'all', write: () => Promise<T>): Promise<T>
}

export function createCopyGuards(): CopyGuards {
  const guards = new Map<string, Set<CopyGuard>>()

  function invalidate(keys: Iterable<string> | 'all', own: readonly CopyGuard[] = []): void {
    for (const key of keys === 'all' ? guards.keys() : keys) {
      for (const guard of guards.get(key) ?? []) if (!own.includes(guard)) guard.isValid = false
    }
  }

  return {
    open: (keys) =>
      keys.map((key) => {
        const guard = { key, isValid: true }
        guards.set(key, (guards.get(key) ?? new Set()).add(guard))
        return guard
      }),
    close(closing) {
      for (const guard of closing) {
        const others = guards.get(guard.key)
        others?.delete(guard)
        if (others?.size === 0) guards.delete(guard.key)
      }
    },
    invalidate,
    async during(own, write) {
      const invalidateOthers = () =>
        own === 'all'
          ? invalidate('all')
          : invalidate(
              own.map(({ key }) => key),
              own,
            )
      invalidateOthers()
      try {
        return await write()
      } finally {
        invalidateOthers()
      }
    },
  }
}
