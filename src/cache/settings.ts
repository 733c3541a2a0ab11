/** The options that all stores have in common, checked once when a cache is created. */
import { now } from '../values/clock.ts'
import { type Codec, DEFAULT_MAX_VALUE_BYTES, jsonCodec } from '../values/codec.ts'
import { DEFAULT_SLACK, DEFAULT_TIMEOUT_MS } from '../values/defaults.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { createEmit, type Emit, type EventListener } from '../values/events.ts'
import { type Deadline, type Expiration, NEVER, parseExpiration } from '../values/expiration.ts'
import { nestedScope, ROOT, type Scope } from '../values/key.ts'
import { boolean, optionalFunction, wholeNumber } from '../values/options.ts'
import { randomNumber } from '../values/random.ts'
import { MAX_TIMER_MS, milliseconds } from '../values/time-span.ts'

/** Options that the caches of all stores have in common. */
export interface CommonOptions {
  /**
   * The scope of all keys, and of `clear()`, `count()`, `stats()` and `list()`. At most 128 bytes in UTF-8. Default:
   * none, so these methods see every namespace of the store.
   */
  namespace?: string | undefined
  /** The default expiration, for writes that name none. Default: entries never expire. */
  expiration?: Expiration | undefined
  /** Turns values into text and back. Default: JSON. */
  codec?: Codec | undefined
  /** How late a sliding deadline may be, as a share of its span. A larger share saves writes. Default 0.25. */
  slack?: number | undefined
  /**
   * Receives hits, misses, writes and errors. Failures of the listener itself are ignored. Default: no listener, and
   * nothing is measured.
   */
  onEvent?: EventListener | undefined
  /** True to include keys in events. Default false, because keys often contain personal data. */
  eventKeys?: boolean | undefined
  /** The largest encoded value, in UTF-8 bytes. A larger one rejects with a `ValueTooLargeError`. Default 32 MiB. */
  maxValueBytes?: number | undefined
  /**
   * Keeps background work alive after the response: `ctx.waitUntil` on Workers, `waitUntil` of `@vercel/functions`.
   * With it, stale values are refreshed in the background. Default: none. The call that got the lease then waits for
   * its refresh.
   */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined
  /** Returns a number from 0 up to, but not including, 1, for jitter and early refreshes. Default: from `crypto`. */
  random?: (() => number) | undefined
}

export const COMMON_OPTIONS = [
  'namespace',
  'expiration',
  'codec',
  'slack',
  'onEvent',
  'eventKeys',
  'maxValueBytes',
  'waitUntil',
  'random',
] as const satisfies readonly (keyof CommonOptions)[]

/** The options in the form that operations use. */
export interface Settings {
  readonly codec: Codec
  readonly maxValueBytes: number
  /** The deadline of writes that name no expiration. */
  readonly expiration: Deadline
  readonly slack: number
  readonly emit: Emit | undefined
  /** The listener behind `emit`. It shows whether several nodes share a listener. */
  readonly onEvent: EventListener | undefined
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined
  readonly random: () => number
}

const MAX_SLACK = 10

/** @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError */
export function parseSettings(options: CommonOptions) {
  const {
    namespace,
    expiration,
    codec = jsonCodec,
    slack = DEFAULT_SLACK,
    onEvent,
    eventKeys = false,
    maxValueBytes = DEFAULT_MAX_VALUE_BYTES,
    waitUntil,
    random = randomNumber,
  } = options
  optionalFunction('onEvent', onEvent)
  optionalFunction('waitUntil', waitUntil)
  optionalFunction('random', random)
  const settings: Settings = {
    codec: checkedCodec(codec),
    maxValueBytes: wholeNumber('maxValueBytes', maxValueBytes, 1),
    expiration: expiration === undefined ? NEVER : parseExpiration(expiration, now()),
    slack: checkedSlack(slack),
    emit: createEmit(onEvent, boolean('eventKeys', eventKeys)),
    onEvent,
    waitUntil,
    random,
  }
  return { settings, scope: scopeOf(namespace) }
}

/** Returns the timeout in milliseconds. @throws InvalidOptionError */
export function checkedTimeout(timeout: unknown = DEFAULT_TIMEOUT_MS): number {
  return milliseconds('timeout', timeout, { numbers: 'milliseconds', min: 1, max: MAX_TIMER_MS })
}

export function scopeOf(namespace: string | undefined): Scope {
  return namespace === undefined ? ROOT : nestedScope(ROOT, namespace)
}

/** Parses an expiration. Undefined means the cache's default. @throws InvalidExpirationError */
export function deadlineOf(settings: Pick<Settings, 'expiration'>, expiration: unknown): Deadline {
  return expiration === undefined ? settings.expiration : parseExpiration(expiration, now())
}

/** @throws InvalidOptionError */
export function checkedCodec(codec: Codec): Codec {
  if (typeof codec?.encode === 'function' && typeof codec.decode === 'function') return codec
  throw new InvalidOptionError(`Expected codec to have the functions encode and decode, got ${describeType(codec)}.`)
}

function checkedSlack(slack: unknown): number {
  if (typeof slack === 'number' && slack >= 0 && slack <= MAX_SLACK) return slack
  throw new InvalidOptionError(`Expected slack to be a number from 0 to ${MAX_SLACK}, got ${describeType(slack)}.`)
}
