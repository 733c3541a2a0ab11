import { cache } from './cache.ts'

/** Computes at most once in ten minutes, for all processes. */
export function report(): Promise<string> {
  return cache.getOrSet('report', () => `Computed at ${new Date().toISOString()}`)
}
