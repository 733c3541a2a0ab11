/** Computations that found nothing: their `undefined` is not stored, but callers that wait for it share it. */
import type { Fill } from '../cache.ts'

/**
 * Kept beside the computations' arguments, because `skip` of a caller's own function means that its value is private. `cached`
 * calls functions that know nothing of `skip`.
 */
const absent = new WeakSet<Fill>()

/** Ends a computation whose function returned `undefined`. A third party's cache only learns that it must not store that. */
export function markAbsent(fill: Fill): void {
  absent.add(fill)
  fill.skip()
}

export const isAbsent = (fill: Fill): boolean => absent.has(fill)
