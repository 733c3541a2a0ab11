import { vi } from 'vitest'

/** Waits until the assertion holds. A busy machine may be slow, so the limit is generous. */
export function eventually<T>(assertion: () => Promise<T> | T): Promise<T> {
  return vi.waitFor(assertion, { interval: 20, timeout: 30_000 })
}
