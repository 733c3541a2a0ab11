/** Marks computations that returned `undefined`. It is not stored, but the callers that wait for it share it. */
import type { Fill } from '../cache.ts'

/**
 * The arguments of the computations that returned `undefined`. `skip` alone is not enough: a caller's own function
 * calls it to keep its value private. A function that `cached` wraps cannot call `skip`.
 */
const absent = new WeakSet<Fill>()

/**
 * Marks a computation whose function returned `undefined`. A third party's cache only sees that it must not store it.
 */
export function markAbsent(fill: Fill): void {
  absent.add(fill)
  fill.skip()
}

export const isAbsent = (fill: Fill): boolean => absent.has(fill)
