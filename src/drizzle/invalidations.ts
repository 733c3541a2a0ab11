/** Sends the invalidations of a query cache's writes at once. A write waits only a short time for its invalidation. */
import { isHttpClient } from '../postgres/drivers/http-client.ts'
import { isExhausted } from '../postgres/drivers/pool.ts'
import { DatabaseError } from '../values/errors.ts'
import { type Emit, noCost } from '../values/events.ts'
import { withDeadline } from '../values/with-deadline.ts'

export interface Invalidation {
  readonly tags: readonly string[]
  readonly keys: readonly string[]
}

interface InvalidationSettings {
  send(invalidation: Invalidation): Promise<unknown>
  /**
   * Returns the client of the cache's driver. Called at each write, because a function may make the database at its
   * first use.
   */
  client(): unknown
  /** Returns the longest that a write waits with this client. */
  patienceMs(client: unknown): number
  readonly emit: Emit | undefined
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined
}

/** Long enough for a busy pool, short enough for transactions that wait for each other's connections. */
const EXHAUSTED_PATIENCE_MS = 50

/**
 * A write must not wait for a connection that the write itself holds: N transactions on a pool of N connections would
 * wait for each other. So a write goes on without its invalidation if the invalidation is late or fails.
 *
 * Until the invalidation has been sent, this process does not cache queries of the same tables and tags. Other
 * processes may still serve entries cached before the write.
 */
export function createInvalidations(settings: InvalidationSettings) {
  /** The number of late or failed invalidations by tag and key. */
  const unsettled = new Map<string, number>()
  /** The failed invalidations. The next call sends them again. */
  let toResend: Invalidation[] = []
  /** The number of late invalidations that are still running. */
  let late = 0
  const count = ({ tags, keys }: Invalidation, change: 1 | -1) => {
    for (const name of [...tags, ...keys]) {
      const left = (unsettled.get(name) ?? 0) + change
      if (left === 0) unsettled.delete(name)
      else unsettled.set(name, left)
    }
  }

  function patience(): number {
    const client = settings.client()
    // HTTP requests need no free connection, and the platform may cancel them when this request ends.
    if (isHttpClient(client)) return settings.patienceMs(client)
    // A late invalidation shows that no connection is free, so do not wait for another one.
    if (late > 0) return 0
    return isExhausted(client) ? EXHAUSTED_PATIENCE_MS : settings.patienceMs(client)
  }

  /** Sends an invalidation that includes the failed ones. These stay unsettled until the outcome is known. */
  async function settle(invalidation: Invalidation, failed: readonly Invalidation[]): Promise<void> {
    let isLate = false
    const patienceMs = patience()
    const finish = () => {
      for (const each of failed) count(each, -1)
      if (!isLate) return
      count(invalidation, -1)
      late--
    }
    const work = settings.send(invalidation).then(
      () => {
        finish()
        return 'sent'
      },
      () => {
        // The cache has reported the failure itself.
        count(invalidation, 1)
        finish()
        toResend.push(invalidation)
        return 'failed'
      },
    )
    keepAlive(settings.waitUntil, work)
    if ((await withDeadline(patienceMs, work)) !== undefined) return
    isLate = true
    late++
    count(invalidation, 1)
    settings.emit?.({ type: 'error', operation: 'onMutate', error: lateError(), durationMs: 0, ...noCost() })
  }

  return {
    /** Sends this invalidation, and all that failed earlier. Never rejects. */
    async apply(invalidation: Invalidation): Promise<void> {
      const failed = toResend
      toResend = []
      const all = [...failed, invalidation]
      if (all.every(({ tags, keys }) => tags.length + keys.length === 0)) return
      await settle(
        { tags: unique(all.flatMap(({ tags }) => tags)), keys: unique(all.flatMap(({ keys }) => keys)) },
        failed,
      )
    },
    /** True while the cache may not know about a write that has ended. */
    isUnsettled: (names: readonly string[]) => unsettled.size > 0 && names.some((name) => unsettled.has(name)),
    hasFailed: () => toResend.length > 0,
  }
}

function lateError(): DatabaseError {
  return new DatabaseError(
    'A write went on without its invalidation, which waits for a connection of the cache. Give the cache its own pool. Until the invalidation is sent, other processes may serve older rows.',
  )
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}

/** Ignores a `waitUntil` that throws, for example because its request has ended. */
function keepAlive(waitUntil: InvalidationSettings['waitUntil'], work: Promise<unknown>): void {
  try {
    waitUntil?.(work)
  } catch {}
}
