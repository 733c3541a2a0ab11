import { vi } from 'vitest'

/** Until the assertion holds; a busy machine may take its time, and what comes true late has still come true. */
export function eventually<T>(assertion: () => Promise<T> | T): Promise<T> {
  return vi.waitFor(assertion, { interval: 20, timeout: 30_000 })
}
