/** Computations that the contract makes. */
import type { Fill } from '../../cache.ts'

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A computation that does something with its fill, and then has a value. */
export function having<T>(work: (fill: Fill) => void, value: T): (fill: Fill) => T {
  return (fill) => {
    work(fill)
    return value
  }
}
