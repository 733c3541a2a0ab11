/** Reads of one tick share one statement. */
import type { StoredValue } from '../values/codec.ts'
import { DatabaseTimeoutError } from '../values/errors.ts'
import type { Cost } from '../values/events.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { within } from '../values/within.ts'

export type Rows<Row = StoredValue> = ReadonlyMap<string, Row>

/** Of entries of any size: a shared statement should not become much slower than a lone one. */
const MAX_KEYS = 100
/**
 * The share of the timeout after which those who wait for another's statement send one of their own. On Workers the
 * other may belong to a request that was cancelled, whose promises then never settle.
 */
const PATIENCE = 0.5

interface Batch<Row> {
  readonly keys: Set<string>
  readonly rows: Promise<Rows<Row>>
  /** The same once more, for all whose patience ended: sent by the first of them. */
  rescue?: Promise<Rows<Row>>
}

/**
 * Gathers keys until the end of the microtask, then loads them together.
 *
 * Followers await the promise of the caller that loads, never one that it resolves for them: workerd kills a request
 * that waits for another request's resolver, and allows this.
 *
 * @param timeoutMs after which nobody waits any longer
 */
export function createCoalescer<Row = StoredValue>(
  load: (keys: string[], cost: Cost) => Promise<Rows<Row>>,
  timeoutMs: number,
) {
  let open: Batch<Row> | undefined

  function lead(key: string, cost: Cost): Batch<Row> {
    const keys = new Set([key])
    const rows = async () => {
      await null
      if (open === batch) open = undefined
      return load([...keys], cost)
    }
    const batch: Batch<Row> = { keys, rows: rows() }
    return batch
  }

  /** A framework's signal concerns the page that sent the statement: who follows it from another page asks by itself. */
  async function follow(batch: Batch<Row>, key: string, cost: Cost): Promise<Rows<Row>> {
    try {
      return await share(batch, cost)
    } catch (error) {
      if (!isFrameworkSignal(error)) throw error
      return load([key], cost)
    }
  }

  async function share(batch: Batch<Row>, cost: Cost): Promise<Rows<Row>> {
    const rows = await within(timeoutMs * PATIENCE, batch.rows)
    if (rows !== undefined) return rows
    batch.rescue ??= load([...batch.keys], cost)
    const rescued = await within(timeoutMs * (1 - PATIENCE), Promise.race([batch.rows, batch.rescue]))
    if (rescued === undefined) throw new DatabaseTimeoutError(timeoutMs)
    return rescued
  }

  /** @param cost of the statement, added for the caller that sends it */
  return async function read(key: string, cost: Cost): Promise<Row | undefined> {
    if (open !== undefined && open.keys.size < MAX_KEYS) {
      open.keys.add(key)
      return (await follow(open, key, cost)).get(key)
    }
    open = lead(key, cost)
    return (await open.rows).get(key)
  }
}
