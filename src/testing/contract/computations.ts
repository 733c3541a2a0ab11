/** Helpers for computations in the contract. */
import type { Fill } from '../../cache.ts'

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Returns a computation that passes its fill to `work`, and then returns the value. */
export function computeWith<T>(work: (fill: Fill) => void, value: T): (fill: Fill) => T {
  return (fill) => {
    work(fill)
    return value
  }
}
