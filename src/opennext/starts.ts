/** Remembers when the computations of a request began. */
import type { CacheSnapshot } from '../cache.ts'
import { requestMap } from './runtime.ts'

/** A read by this request. Values that the request computes afterwards are no older than this read. */
interface Start {
  /** In milliseconds since 1970, by the database's clock. */
  readonly at: number
  readonly snapshot: CacheSnapshot | undefined
}

/** The name of the request's first read among its starts. No key has this name. */
const FIRST = ''

/** Keeps the earliest read of a key, because the request may begin to compute the value after it. */
export function noteStart(
  key: string,
  { readAt, snapshot }: { readAt: number; snapshot: CacheSnapshot | undefined },
): void {
  const starts = requestMap<Start>('starts')
  const start = { at: Math.floor(readAt), snapshot }
  for (const name of [key, FIRST]) if (starts?.has(name) === false) starts.set(name, start)
}

/**
 * Returns the start of a key's computation. Next does not read every key before it computes the value: in a
 * revalidation, it reads only the page. If the key was not read, its computation began after the request's first read.
 */
export function takeStart(key: string): Start | undefined {
  const starts = requestMap<Start>('starts')
  const start = starts?.get(key) ?? starts?.get(FIRST)
  starts?.delete(key)
  return start
}
