/**
 * Every error that pgstash throws on purpose.
 *
 * A message says what was expected, and the type of what was received, never its content. `util.inspect` of an error
 * never shows a value, key, SQL parameter or connection string.
 */

import { addCosts, type Cost, noCost } from './events.ts'

/** Machine-readable reasons, stable across versions. Branch on these, never on messages. */
export type CacheErrorCode =
  | 'INVALID_EXPIRATION'
  | 'INVALID_KEY'
  | 'INVALID_DELTA'
  | 'INVALID_OPTION'
  | 'INVALID_TABLE_NAME'
  | 'UNKNOWN_STORE'
  | 'NOT_A_NUMBER'
  | 'COUNTER_RANGE'
  | 'UNSERIALIZABLE_VALUE'
  | 'VALUE_TOO_LARGE'
  | 'UNREADABLE_VALUE'
  | 'DATABASE'
  | 'TIMEOUT'
  | 'CIRCUIT_OPEN'
  | 'NODES'
  | 'REFRESH'
  | 'LOCAL_NEON'

/** A symbol of the global registry, which all copies of this package share. */
const BRAND: unique symbol = Symbol.for('pgstash.error') as never

/**
 * The class that every pgstash error extends.
 *
 * `instanceof` also recognises errors that another copy of this package made.
 *
 * @example
 * try { await cache.set(key, value) } catch (error) {
 *   if (error instanceof CacheError && error.code === 'VALUE_TOO_LARGE') return
 *   throw error
 * }
 */
export class CacheError extends Error {
  /** The error's `name`. A literal in each class, because minifiers rename classes. */
  static readonly errorName: string = 'CacheError'

  /** The reason. Branch on it, never on the message. */
  readonly code: CacheErrorCode
  /** The cost of the operation until it failed. The first event that reports the error removes it. */
  declare cost?: Cost
  /** True if the circuit opened with this failure. */
  declare opensCircuit?: true

  constructor(code: CacheErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.name = new.target.errorName
    // Capture the trace again, because the first trace begins with `Error`. Engines without this method do not show a
    // name.
    Error.captureStackTrace?.(this, new.target)
  }

  /** Recognises errors of other copies of this package: bundlers may give each entry point a copy of its own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: the class on the right of instanceof, which may be a subclass
    return isInstance(this, value)
  }

  /** The brand is on the prototype, so that `util.inspect` does not show it. */
  get [BRAND](): true {
    return true
  }
}

function isInstance(type: typeof CacheError, value: unknown): boolean {
  if (Function.prototype[Symbol.hasInstance].call(type, value)) return true
  // A subclass without its own `errorName` belongs to the program, so no other copy has it.
  if (!Object.hasOwn(type, 'errorName') || Reflect.get(Object(value), BRAND) !== true) return false
  const { errorName } = Object(value).constructor as typeof CacheError
  return type === CacheError || type.errorName === errorName
}

/** An expiration that is not a number of seconds, a `Date`, a `Duration`, a string like `'5m'`, or `null`. */
export class InvalidExpirationError extends CacheError {
  static override readonly errorName: string = 'InvalidExpirationError'

  constructor(message: string) {
    super('INVALID_EXPIRATION', message)
  }
}

/** A key, tag or namespace that is empty, too long, or holds U+0000 or a lone surrogate. */
export class InvalidKeyError extends CacheError {
  static override readonly errorName: string = 'InvalidKeyError'

  constructor(message: string) {
    super('INVALID_KEY', message)
  }
}

/** A counter's delta that is not a finite number. */
export class InvalidDeltaError extends CacheError {
  static override readonly errorName: string = 'InvalidDeltaError'

  constructor(message: string) {
    super('INVALID_DELTA', message)
  }
}

/** An option of the wrong type or out of range. */
export class InvalidOptionError extends CacheError {
  static override readonly errorName: string = 'InvalidOptionError'

  constructor(message: string) {
    super('INVALID_OPTION', message)
  }
}

/** A store that a cache manager does not have. The message lists the manager's stores: these names are not secret. */
export class UnknownStoreError extends CacheError {
  static override readonly errorName: string = 'UnknownStoreError'

  constructor(names: readonly string[]) {
    super('UNKNOWN_STORE', `Expected one of the stores ${names.join(', ')}. Call extend() to add another.`)
  }
}

/** A schema or prefix that Postgres cannot take unchanged: empty, with U+0000, or too long. */
export class InvalidTableNameError extends CacheError {
  static override readonly errorName: string = 'InvalidTableNameError'

  constructor(message: string) {
    super('INVALID_TABLE_NAME', message)
  }
}

/** A counter operation on an entry that holds something other than a number. The entry is unchanged. */
export class NotANumberError extends CacheError {
  static override readonly errorName: string = 'NotANumberError'

  constructor() {
    super('NOT_A_NUMBER', 'Expected the entry to hold a number. The entry is unchanged.')
  }
}

/** A counter that would exceed ±Number.MAX_SAFE_INTEGER. The entry is unchanged. */
export class CounterRangeError extends CacheError {
  static override readonly errorName: string = 'CounterRangeError'

  constructor() {
    super('COUNTER_RANGE', 'Expected the counter to stay within ±Number.MAX_SAFE_INTEGER. The entry is unchanged.')
  }
}

/** A value that the codec cannot encode, such as a function, a bigint or a cycle with the JSON codec. */
export class UnserializableValueError extends CacheError {
  static override readonly errorName: string = 'UnserializableValueError'

  constructor(message: string, options?: { cause?: unknown }) {
    super('UNSERIALIZABLE_VALUE', message, options)
  }
}

/** An encoded value larger than `maxValueBytes`. */
export class ValueTooLargeError extends CacheError {
  static override readonly errorName: string = 'ValueTooLargeError'

  constructor(bytes: number, maxBytes: number) {
    super('VALUE_TOO_LARGE', `Expected a value of at most ${maxBytes} bytes once encoded, got ${bytes}.`)
  }
}

/** A stored text that the codec cannot decode: another codec wrote it, or somebody changed it by hand. */
export class UnreadableValueError extends CacheError {
  static override readonly errorName: string = 'UnreadableValueError'

  /** The key of the entry, if the call reads several entries. It is not enumerable, so that logs do not show it. */
  declare readonly key?: string

  constructor(options?: { cause?: unknown }) {
    super(
      'UNREADABLE_VALUE',
      'The stored text cannot be decoded: another codec wrote it, or it was changed by hand. Set or delete the entry.',
      options,
    )
  }
}

/**
 * The database refused a statement, or is unreachable. Your own store throws it if its storage cannot answer.
 *
 * `sqlState` is Postgres's five-character code, if there is one. `status` is the HTTP status that the endpoint
 * returned. `sent` is false if the statement certainly never reached the server.
 */
export class DatabaseError extends CacheError {
  static override readonly errorName: string = 'DatabaseError'

  /**
   * Postgres's error code of five characters (SQLSTATE, appendix A of the Postgres manual), such as `42P01`. Undefined
   * if Postgres reported no error.
   */
  readonly sqlState: string | undefined
  /** The HTTP status that the endpoint answered with. Undefined over TCP, or if no response came. */
  readonly status: number | undefined
  /** False if the statement certainly never reached the server, so it had no effect. Otherwise true. */
  readonly sent: boolean

  /** @param details `cost` is the cost of the failed call, which the event that reports the failure includes */
  constructor(
    message: string,
    details: { sqlState?: string; status?: number; sent?: boolean; cause?: unknown; cost?: Cost } = {},
  ) {
    super('DATABASE', message, details.cause === undefined ? undefined : { cause: details.cause })
    this.sqlState = details.sqlState
    this.status = details.status
    this.sent = details.sent ?? true
    if (details.cost !== undefined) addHiddenField(this, 'cost', details.cost)
  }
}

/**
 * The database did not answer within `timeout`.
 *
 * `sent` is false if the statement was still waiting for a connection of the pool. It was then cancelled and had no
 * effect. Otherwise it is unknown whether a write took effect.
 */
export class DatabaseTimeoutError extends CacheError {
  static override readonly errorName: string = 'DatabaseTimeoutError'
  /**
   * False if the statement was never sent, so it had no effect. True if it was sent: whether a write took effect is
   * unknown.
   */
  readonly sent: boolean

  /** @param advice a likely reason for this database */
  constructor(timeoutMs: number, { sent = true, advice }: { sent?: boolean; advice?: string | undefined } = {}) {
    const message = sent
      ? `The database did not answer within ${timeoutMs} ms. Whether a write took effect is unknown.`
      : `No connection of the pool came free within ${timeoutMs} ms. The statement was not sent. Enlarge the pool, or give the cache its own pool.`
    super('TIMEOUT', advice === undefined ? message : `${message} ${advice}`)
    this.sent = sent
  }
}

/** The circuit is open, because the database failed several times in a row. Thrown only with `onError: 'miss'`. */
export class CircuitOpenError extends CacheError {
  static override readonly errorName: string = 'CircuitOpenError'

  constructor() {
    super('CIRCUIT_OPEN', 'The database failed several times in a row and gets no statements for a moment.')
  }
}

/**
 * Some nodes of a `shardedCache` failed. All other nodes did their part, and it is not undone.
 *
 * A call of a single node rejects with that node's own error. `code` is the code of the first failure, or `NODES` if
 * the first failure is not a `CacheError`.
 *
 * @example
 * try { await cache.clearExpired() } catch (error) {
 *   if (!(error instanceof NodesError)) throw error
 *   for (const [node, failure] of error.failures) report(node, failure)
 * }
 */
export class NodesError extends CacheError {
  static override readonly errorName: string = 'NodesError'
  /** The failure of each node, by the node's name. */
  readonly failures: ReadonlyMap<string, unknown>
  /**
   * The result of the call for the other nodes alone. Only `clear`, `deleteMany`, `clearExpired`, `count` and `stats`
   * set it. Undefined for other calls.
   */
  declare readonly partial: unknown

  constructor(failures: ReadonlyMap<string, unknown>, { called, partial }: { called: number; partial?: unknown }) {
    const [first] = failures.values()
    const names = [...failures.keys()].join(', ')
    const message = `${failures.size} of ${called} nodes failed: ${names}. The others did their part; see \`failures\`.`
    super(first instanceof CacheError ? first.code : 'NODES', message, { cause: first })
    this.failures = failures
    addHiddenField(this, 'partial', partial)
    const opener = [...failures.values()].some((failure) => failure instanceof CacheError && failure.opensCircuit)
    if (opener) markAsOpener(this)
  }
}

/**
 * A refresh of a stale HTTP response failed in the background. The handler threw or returned a server error, or
 * middleware in front kept the request from its response cache. Only events carry this error. The stale response stays.
 *
 * @example
 * createCache(db, {
 *   onEvent(event) {
 *     if (event.type === 'error' && event.error instanceof RefreshError) report(event.error.status)
 *   },
 * })
 */
export class RefreshError extends CacheError {
  static override readonly errorName: string = 'RefreshError'
  /** The status of the handler's response. Undefined if the handler threw, or never ran. */
  readonly status: number | undefined

  constructor(reason: 'failed' | 'lost', { status, cause }: { status?: number | undefined; cause?: unknown } = {}) {
    const failed = status === undefined ? 'the handler threw an error' : `the handler answered with status ${status}`
    const lost =
      'the request never reached its response cache: middleware in front answered or changed it, or its key changed'
    super('REFRESH', `A refresh failed: ${reason === 'lost' ? lost : failed}. The stale response stays.`, { cause })
    this.status = status
  }
}

/** Adds a field that logs do not show. */
function addHiddenField(error: CacheError, name: 'cost' | 'opensCircuit' | 'partial', value: unknown): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true, enumerable: false })
}

/** Marks the error with which the circuit opened. */
export function markAsOpener(error: CacheError): void {
  addHiddenField(error, 'opensCircuit', true)
}

/** Adds a cost to an error. The event that reports the error removes it. */
export function withCost(error: unknown, cost: Cost): unknown {
  if (error instanceof CacheError) addHiddenField(error, 'cost', addCosts(cost, error.cost ?? noCost()))
  return error
}

/** Removes the cost from an error and returns it, so that only the first event reports it. */
export function takeCost(error: unknown): Cost {
  if (!(error instanceof CacheError) || error.cost === undefined) return noCost()
  const { cost } = error
  delete error.cost
  return cost
}

/** Names the type of a value for a message, never its content: `a string`, `NaN`, `an array`. */
export function describeType(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return 'NaN'
    return Number.isFinite(value) ? 'a number' : 'an infinite number'
  }
  if (typeof value === 'undefined') return 'undefined'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
