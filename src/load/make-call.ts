/** Makes one planned call on a cache and notes its answer. */
import type { Cache } from '../cache.ts'
import type { Computation, Recorded } from './history.ts'
import type { PlannedCall } from './plan-calls.ts'

/** A cache under load, and the clock that decides when its entries expire. */
export interface LoadTarget {
  readonly cache: Cache
  /** Unix milliseconds. For Postgres, each call queries `clock_timestamp()`. */
  clock(): Promise<number>
}

export interface CallContext extends LoadTarget {
  /** Milliseconds of a clock that all processes share. */
  readonly now: () => number
  /** The start of each tag. Tags are global, so the prefix separates runs. */
  readonly tagPrefix: string
  readonly padding: string
  /** Returns a version that no other call gets. */
  nextVersion(): string
  /** Returns a seeded random number from 0 up to 1. */
  random(): number
}

interface Value {
  readonly version: string
  readonly deadline?: number
  readonly padding: string
}

export type Answer = Partial<Pick<Recorded, 'version' | 'count' | 'deadline' | 'askedAt' | 'computation'>>

/** Longer than any pause of a busy machine. So two simultaneous computations never come from a lease that ran out. */
export const LEASE_MS = 60_000

const MAX_LIFE_MS = 100

/** @param note called before the write, so that the history knows the written value even if the call fails */
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
    // Like a real origin, it waits for another system, so that other calls can run.
    await context.clock()
    const computation: Computation = { version, start, end: now() }
    note({ computation })
    return { version, padding } satisfies Value
  }
  const options = { tags: [`${tagPrefix}${key}`], lease: LEASE_MS / 1000 }
  note(versionOf(await cache.getOrSet<Value>(key, compute, options)))
}
