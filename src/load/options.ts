/** The options of a run, which all clients of all processes share. */
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { wholeNumber } from '../values/options.ts'
import { milliseconds, type TimeSpan } from '../values/time-span.ts'

export interface LoadOptions {
  /** How long a run lasts. A plain number is seconds; default 10. */
  duration?: TimeSpan
  /** Stops each client after this many calls, even if there is time left; default: no limit. */
  operations?: number
  /** Concurrent callers in each process; default 8. */
  clients?: number
  /** Keys of each kind. Fewer keys mean more contention; default 5. */
  keys?: number
  /** Length of each value's padding; default 100. */
  valueBytes?: number
  /** The seed of the plan, so that a run can be repeated; default 1. */
  seed?: number
  /** Share of calls that read, from 0 to 1; default 0.6. */
  readShare?: number
}

export interface LoadPlan extends Required<LoadOptions> {
  /** Seconds, with fractions. */
  readonly duration: number
}

const MS_PER_SECOND = 1_000

/** @throws InvalidOptionError */
export function parseLoadOptions(options: LoadOptions = {}): LoadPlan {
  return {
    duration:
      milliseconds('duration', options.duration === undefined ? 10 : options.duration, { numbers: 'seconds', min: 1 }) /
      MS_PER_SECOND,
    operations: wholeNumber('operations', options.operations ?? Number.MAX_SAFE_INTEGER, 1),
    clients: wholeNumber('clients', options.clients ?? 8, 1),
    keys: wholeNumber('keys', options.keys ?? 5, 1),
    valueBytes: wholeNumber('valueBytes', options.valueBytes ?? 100, 0),
    seed: wholeNumber('seed', options.seed ?? 1, 0),
    readShare: share('readShare', options.readShare ?? 0.6),
  }
}

function share(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value
  throw new InvalidOptionError(`Expected ${name} to be a number from 0 to 1, got ${describeType(value)}.`)
}
