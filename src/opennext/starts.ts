/** When the computations of a request began. */
import type { CacheSnapshot } from '../cache.ts'
import { requestMap } from './runtime.ts'

/** A read by this request. Whatever it computes afterwards is no older. */
interface Start {
  /** In milliseconds since 1970, by the database's clock. */
  readonly at: number
  readonly snapshot: CacheSnapshot | undefined
}

/** Names the first read of a request among its starts. No key has this name. */
const FIRST = ''

/** Keeps the earliest read of a key, because the request may compute the value from then on. */
export function noteStart(
  key: string,
  { readAt, snapshot }: { readAt: number; snapshot: CacheSnapshot | undefined },
): void {
  const starts = requestMap<Start>('starts')
  const start = { at: Math.floor(readAt), snapshot }
  for (const name of [key, FIRST]) if (starts?.has(name) === false) starts.set(name, start)
}

/**
 * The start of the computation of a key. Next does not read every key before it computes it: in a revalidation it reads the page
 * only. Such a computation began after the first read of the request.
 */
export function takeStart(key: string): Start | undefined {
  const starts = requestMap<Start>('starts')
  const start = starts?.get(key) ?? starts?.get(FIRST)
  starts?.delete(key)
  return start
}
