/** What `getOrSet` needs beside a store, and what a call carries through it. */
import type { Fill } from '../cache.ts'
import { type Codec, DEFAULT_MAX_VALUE_BYTES, jsonCodec } from '../values/codec.ts'
import { DEFAULT_SLACK, DEFAULT_TIMEOUT_MS } from '../values/defaults.ts'
import type { Emit } from '../values/events.ts'
import { type Deadline, NEVER } from '../values/expiration.ts'
import { randomNumber } from '../values/random.ts'
import type { Computation } from './nesting.ts'
import type { Plan } from './options.ts'
import type { FillStore } from './store.ts'

export interface FillEnvironment {
  readonly codec: Codec
  readonly maxValueBytes: number
  /** For calls that name no expiration. */
  readonly expiration: Deadline
  /** The share of a sliding span by which a deadline may be late. */
  readonly slack: number
  /** How long one step of the store may take, in milliseconds. */
  readonly timeoutMs: number
  /** What a failing store means: the caller's error, or a computation without it. */
  readonly onError: 'throw' | 'miss'
  /** Keeps background work alive after the response; without it, callers wait for their own refreshes. */
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined
  /** From 0 up to, but not including, 1; for jitter and early refreshes. */
  readonly random: () => number
  readonly emit: Emit | undefined
}

/** What holds where a store says nothing else. */
export const DEFAULTS: FillEnvironment = {
  codec: jsonCodec,
  maxValueBytes: DEFAULT_MAX_VALUE_BYTES,
  expiration: NEVER,
  slack: DEFAULT_SLACK,
  timeoutMs: DEFAULT_TIMEOUT_MS,
  onError: 'throw',
  waitUntil: undefined,
  random: randomNumber,
  emit: undefined,
}

/** One call of `getOrSet`. */
export interface Call {
  /** The caller's key. */
  readonly name: string
  /** As it is stored. */
  readonly key: string
  readonly compute: (fill: Fill) => unknown
  readonly plan: Plan
  /** Whose key it is, the same for all calls of a filler. */
  readonly owner: object
  /** The computation that the call was made from. */
  readonly inside: Computation | undefined
  readonly store: FillStore
  readonly environment: FillEnvironment
  /** When it stops waiting for other calls of this process. */
  readonly waitsUntil: number
  /** Whether one that it waited for was lost, or outlasted its lease. */
  hasWaitedInVain: boolean
  /** Computes although an entry is live: `refresh`. */
  readonly force: boolean
  /** Computations of others that this call waited for and that failed. */
  foreignFailures: number
}
