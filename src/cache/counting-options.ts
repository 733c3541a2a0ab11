/** The options of `count` and `stats`. */
import type { CountOptions, StatsOptions } from '../cache.ts'
import type { CountingInput } from '../store/inputs.ts'
import type { MaybePromise, Reply } from '../store/store.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { boolean, optionalFunction, optionalSignal, optionsObject } from '../values/options.ts'
import { withoutRejection } from '../values/promises.ts'

/** Returns undefined for an estimate. @throws InvalidOptionError, and the reason of a signal that has aborted */
export function parseCountOptions(options: CountOptions | undefined): CountingInput | undefined {
  const { estimate = false, ...rest } = optionsObject<CountOptions>(options, ['estimate', 'onProgress', 'signal'])
  const input = parseCounting(rest)
  if (!boolean('estimate', estimate)) return input
  refuseParts(input, 'Expected no onProgress and no signal with estimate: true, because an estimate is one statement.')
  return undefined
}

/** Returns undefined for an estimate. @throws InvalidOptionError, and the reason of a signal that has aborted */
export function parseStatsOptions(options: StatsOptions | undefined): CountingInput | undefined {
  const { exact = false, ...rest } = optionsObject<StatsOptions>(options, ['exact', 'onProgress', 'signal'])
  const input = parseCounting(rest)
  if (boolean('exact', exact)) return input
  refuseParts(input, 'Expected exact: true with onProgress or signal, because an estimate is one statement.')
  return undefined
}

function parseCounting({ onProgress, signal }: Pick<StatsOptions, 'onProgress' | 'signal'>): CountingInput {
  optionalFunction('onProgress', onProgress)
  const checked = optionalSignal(signal)
  if (checked?.aborted) throw checked.reason
  return { onProgress: withoutRejection(onProgress), signal: checked }
}

function refuseParts({ onProgress, signal }: CountingInput, message: string): void {
  if (onProgress !== undefined || signal !== undefined) throw new InvalidOptionError(message)
}

/** Counts, and reports the final number if the store did not: a store may count everything at once. */
export async function countWithProgress<R extends Reply<unknown>>(
  { onProgress, signal }: CountingInput,
  count: (input: CountingInput) => MaybePromise<R>,
  entriesOf: (reply: R) => number,
): Promise<R> {
  if (onProgress === undefined) return count({ signal })
  let reported = -1
  const reply = await count({
    signal,
    onProgress(entries) {
      reported = entries
      onProgress(entries)
    },
  })
  // Some nodes of a sharded cache may report nothing.
  const all = entriesOf(reply)
  if (reported < all) onProgress(all)
  return reply
}
