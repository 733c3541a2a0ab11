/** Reads of one tick share one statement. */
import type { StoredValue } from '../values/codec.ts'

export type Rows = ReadonlyMap<string, StoredValue>

/** Of entries of any size: a shared statement should not become much slower than a lone one. */
const MAX_KEYS = 100
/**
 * How long a caller waits for another's statement before it sends its own. On Workers the other may belong to a
 * request that was cancelled, whose promises then never settle.
 */
const PATIENCE_MS = 1_000

interface Batch {
  readonly keys: Set<string>
  readonly rows: Promise<Rows>
}

/**
 * Gathers keys until the end of the microtask, then loads them together.
 *
 * Followers await the promise of the caller that loads, never one that it resolves for them: workerd kills a request
 * that waits for another request's resolver, and allows this.
 */
export function createCoalescer(load: (keys: string[]) => Promise<Rows>) {
  let open: Batch | undefined

  function lead(key: string): Batch {
    const keys = new Set([key])
    const rows = async () => {
      await null
      if (open === batch) open = undefined
      return load([...keys])
    }
    const batch: Batch = { keys, rows: rows() }
    return batch
  }

  return async function read(key: string): Promise<StoredValue | undefined> {
    if (open !== undefined && open.keys.size < MAX_KEYS) {
      open.keys.add(key)
      return (await orAlone(open.rows, () => load([key]))).get(key)
    }
    open = lead(key)
    return (await open.rows).get(key)
  }
}

async function orAlone(shared: Promise<Rows>, alone: () => Promise<Rows>): Promise<Rows> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const patience = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE_MS)
  })
  try {
    return (await Promise.race([shared, patience])) ?? (await alone())
  } finally {
    clearTimeout(timer)
  }
}
