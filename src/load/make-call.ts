/** One planned call on a cache, and what it answered. */
import type { Cache } from '../cache.ts'
import type { Computation, Recorded } from './history.ts'
import type { PlannedCall } from './plan-calls.ts'

/** A cache under load, and the clock by which its entries live. */
export interface LoadTarget {
  readonly cache: Cache
  /** Unix milliseconds: for Postgres `clock_timestamp()`, asked anew each time. */
  clock(): Promise<number>
}

export interface CallContext extends LoadTarget {
  /** Milliseconds of a clock that all processes share. */
  readonly now: () => number
  /** In front of tags, which are global. */
  readonly tagPrefix: string
  readonly padding: string
  /** A version that no other call gets. */
  nextVersion(): string
  /** From 0 up to 1, seeded. */
  random(): number
}

interface Value {
  readonly version: string
  readonly deadline?: number
  readonly padding: string
}

export type Answer = Partial<Pick<Recorded, 'version' | 'count' | 'deadline' | 'askedAt' | 'computation'>>

/** Longer than any pause of a busy machine, so that two computations at once are never a lease that ran out. */
export const LEASE_MS = 60_000

const MAX_LIFE_MS = 100

/** @param note told early what will have been written, so that it is known even if the call fails */
export async function makeCall(
  { operation, kind, key }: PlannedCall,
  context: CallContext,
  note: (answer: Answer) => void,
): Promise<void> {
  const { cache, tagPrefix } = context
  switch (operation) {
    case 'get':
      return kind === 'deadline' ? readDeadline(key, context, note) : note(versionOf(await cache.get<Value>(key)))
    case 'set':
      return write(key, kind === 'deadline', context, note)
    case 'delete':
      await cache.delete(key)
      return
    case 'increment':
      return note({ count: await cache.increment(key) })
    case 'getOrSet':
      return fill(key, context, note)
    case 'invalidate':
      return cache.invalidate(`${tagPrefix}${key}`)
    case 'clearExpired':
      await cache.clearExpired()
  }
}

const versionOf = (value: Value | undefined): Answer => (value ? { version: value.version } : {})

async function readDeadline(key: string, { cache, clock }: CallContext, note: (answer: Answer) => void) {
  const askedAt = await clock()
  const value = await cache.get<Value>(key)
  if (value?.deadline !== undefined) note({ askedAt, version: value.version, deadline: value.deadline })
}

async function write(key: string, expires: boolean, context: CallContext, note: (answer: Answer) => void) {
  const { cache, padding, clock, random } = context
  const version = context.nextVersion()
  note({ version })
  if (!expires) return cache.set(key, { version, padding } satisfies Value)
  const deadline = (await clock()) + Math.ceil(random() * MAX_LIFE_MS)
  await cache.set(key, { version, deadline, padding } satisfies Value, { expiration: new Date(deadline) })
}

async function fill(key: string, context: CallContext, note: (answer: Answer) => void) {
  const { cache, padding, now, tagPrefix } = context
  const compute = async () => {
    const version = context.nextVersion()
    const start = now()
    // As an origin would, it asks somebody else and so lets others run.
    await context.clock()
    const computation: Computation = { version, start, end: now() }
    note({ computation })
    return { version, padding } satisfies Value
  }
  const options = { tags: [`${tagPrefix}${key}`], lease: LEASE_MS / 1000 }
  note(versionOf(await cache.getOrSet<Value>(key, compute, options)))
}
