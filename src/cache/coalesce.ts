/** Collects the reads of one tick into one call of the store. */
import type { MaybePromise, Reply } from '../store/store.ts'
import { DatabaseTimeoutError } from '../values/errors.ts'
import { noCost } from '../values/events.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { withDeadline } from '../values/with-deadline.ts'
import { isWorkers } from '../values/workers.ts'

type Rows<R> = ReadonlyMap<string, R>

/** The most keys of one call. A shared statement should not be much slower than a statement for one key. */
const MAX_KEYS = 100
/**
 * After this share of the timeout, followers read once more. On Workers, the leader's request may have been cancelled,
 * and the promises of a cancelled request never settle.
 */
const PATIENCE = 0.5

interface Batch<R> {
  readonly keys: Set<string>
  readonly reply: Promise<Reply<Rows<R>>>
  /** The second read. The first follower that loses patience sends it for all followers. */
  hedge?: Promise<Reply<Rows<R>>>
  /** The promise that all followers wait for, unless each needs its own timer. */
  shared?: Promise<Reply<Rows<R>>>
}

/**
 * Collects keys until the end of the microtask, then reads them together.
 *
 * Followers await the leader's own promise, never a promise that the leader resolves for them. workerd allows the
 * first, but kills a request for the second.
 *
 * @param timeoutMs the longest wait of a follower
 */
export function createCoalescer<R>(
  read: (keys: string[]) => MaybePromise<Reply<Rows<R>>>,
  timeoutMs: number,
): (key: string) => Promise<Reply<R | undefined>> {
  let open: Batch<R> | undefined

  function lead(key: string): Batch<R> {
    const keys = new Set([key])
    const reply = async () => {
      await null
      if (open === batch) open = undefined
      return read([...keys])
    }
    const batch: Batch<R> = { keys, reply: reply() }
    return batch
  }

  /**
   * If the leader gets a framework's signal, the follower reads by itself: the signal concerns only the leader's page.
   */
  async function follow(batch: Batch<R>, key: string): Promise<Reply<Rows<R>>> {
    try {
      // Only the leader's reply carries the cost of the statement.
      return { ...(await shareOnce(batch)), cost: noCost() }
    } catch (error) {
      if (!isFrameworkSignal(error)) throw error
      return read([key])
    }
  }

  /** Lets all followers wait with one timer, except on Workers, where a timer belongs to the request that made it. */
  function shareOnce(batch: Batch<R>): Promise<Reply<Rows<R>>> {
    if (isWorkers()) return share(batch)
    batch.shared ??= share(batch)
    return batch.shared
  }

  async function share(batch: Batch<R>): Promise<Reply<Rows<R>>> {
    const reply = await withDeadline(timeoutMs * PATIENCE, batch.reply)
    if (reply !== undefined) return reply
    batch.hedge ??= (async () => read([...batch.keys]))()
    const hedged = await withDeadline(timeoutMs * (1 - PATIENCE), Promise.race([batch.reply, batch.hedge]))
    if (hedged === undefined) throw new DatabaseTimeoutError(timeoutMs)
    return hedged
  }

  return async function readRow(key: string): Promise<Reply<R | undefined>> {
    if (open !== undefined && open.keys.size < MAX_KEYS) {
      open.keys.add(key)
      return rowOf(await follow(open, key), key)
    }
    open = lead(key)
    return rowOf(await open.reply, key)
  }
}

function rowOf<R>(reply: Reply<Rows<R>>, key: string): Reply<R | undefined> {
  return { ...reply, value: reply.value.get(key) }
}
