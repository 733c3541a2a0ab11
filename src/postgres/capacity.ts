import { wholeNumber } from '../values/options.ts'

/** How many entries and bytes a scope may hold. Infinity means no bound. */
export interface Capacity {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** Returns undefined if neither is bounded. @throws InvalidOptionError */
export function parseCapacity({
  maxEntries,
  maxBytes,
}: {
  maxEntries?: number | undefined
  maxBytes?: number | undefined
}): Capacity | undefined {
  if (maxEntries === undefined && maxBytes === undefined) return undefined
  return {
    maxEntries: maxEntries === undefined ? Number.POSITIVE_INFINITY : wholeNumber('maxEntries', maxEntries, 1),
    maxBytes: maxBytes === undefined ? Number.POSITIVE_INFINITY : wholeNumber('maxBytes', maxBytes, 1),
  }
}
