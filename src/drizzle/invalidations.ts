/** Invalidations of a query cache's writes: sent at once, and waited for only as long as a write may wait. */
import { isExhausted } from '../postgres/pool-gate.ts'
import { DatabaseError } from '../values/errors.ts'
import { type Emit, noCost } from '../values/events.ts'
import { within } from '../values/within.ts'
import { isNeonHttp } from './neon-connection.ts'

export interface Invalidation {
  readonly tags: readonly string[]
  readonly keys: readonly string[]
}

interface Plan {
  send(invalidation: Invalidation): Promise<unknown>
  /** The client of the cache's driver. Asked at each write, because a function may make the database at its first use. */
  client(): unknown
  /** How long a write waits at most, given that client. */
  patienceMs(client: unknown): number
  readonly emit: Emit | undefined
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined
}

/** Enough for a busy pool; short for transactions that wait for each other's connections. */
const EXHAUSTED_PATIENCE_MS = 50

/**
 * A write must not wait for a connection that the write itself holds: N transactions on a pool of N connections would wait
 * for each other. So a write goes on without its invalidation if that is late or fails.
 *
 * Until the invalidation has been sent, this process does not cache queries of the same tables and tags. Other processes
 * may still serve what was cached before the write.
 */
export function createInvalidations(plan: Plan) {
  /** Late or failed, by tag and key; how many of each. */
  const unsettled = new Map<string, number>()
  /** Failed. The next call sends them again. */
  let owed: Invalidation[] = []
  /** How many are late and still under way. */
  let late = 0
  const count = ({ tags, keys }: Invalidation, change: 1 | -1) => {
    for (const name of [...tags, ...keys]) {
      const left = (unsettled.get(name) ?? 0) + change
      if (left === 0) unsettled.delete(name)
      else unsettled.set(name, left)
    }
  }

  function patience(): number {
    const client = plan.client()
    // Requests over HTTP wait for no connection, and may end with the request that sent them.
    if (isNeonHttp(Object(client))) return plan.patienceMs(client)
    // One that is late already shows that there is no connection to be had.
    if (late > 0) return 0
    return isExhausted(client) ? EXHAUSTED_PATIENCE_MS : plan.patienceMs(client)
  }

  /** Sends an invalidation that covers `failed`, which stay unsettled until it is known whether it was sent. */
  async function settle(invalidation: Invalidation, failed: readonly Invalidation[]): Promise<void> {
    let isLate = false
    const patienceMs = patience()
    const ended = () => {
      for (const each of failed) count(each, -1)
      if (!isLate) return
      count(invalidation, -1)
      late--
    }
    const work = plan.send(invalidation).then(
      () => {
        ended()
        return 'sent'
      },
      () => {
        // The cache has reported the failure itself.
        count(invalidation, 1)
        ended()
        owed.push(invalidation)
        return 'failed'
      },
    )
    keepAlive(plan.waitUntil, work)
    if ((await within(patienceMs, work)) !== undefined) return
    isLate = true
    late++
    count(invalidation, 1)
    plan.emit?.({ type: 'error', operation: 'onMutate', error: lateError(), durationMs: 0, ...noCost() })
  }

  return {
    /** Invalidates, and whatever failed before. Never rejects. */
    async apply(invalidation: Invalidation): Promise<void> {
      const failed = owed
      owed = []
      const all = [...failed, invalidation]
      if (all.every(({ tags, keys }) => tags.length + keys.length === 0)) return
      await settle(
        { tags: unique(all.flatMap(({ tags }) => tags)), keys: unique(all.flatMap(({ keys }) => keys)) },
        failed,
      )
    },
    /** True while a write that has ended may not be seen by the cache. */
    isUnsettled: (names: readonly string[]) => unsettled.size > 0 && names.some((name) => unsettled.has(name)),
    hasFailed: () => owed.length > 0,
  }
}

function lateError(): DatabaseError {
  return new DatabaseError(
    'A write went on without its invalidation, which waits for a connection of the cache. Give the cache a pool of its own. Until it is sent, other processes may serve older rows.',
  )
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}

/** A `waitUntil` that throws, such as that of a request that has ended, keeps nothing alive. */
function keepAlive(waitUntil: Plan['waitUntil'], work: Promise<unknown>): void {
  try {
    waitUntil?.(work)
  } catch {}
}
