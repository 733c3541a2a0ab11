/** `pgstash clear-expired` */
import { Command } from 'commander'
import { forScope } from '../postgres/operations/scoped.ts'
import { keyRange } from '../values/key.ts'
import { seconds, wholeNumber } from './arguments.ts'
import { type CacheFlags, omitUndefined, type Place, withCache, withCacheOptions } from './cache-options.ts'
import { EXIT } from './exit-codes.ts'
import { countEntries, examples } from './formats.ts'
import { onInterrupt } from './interrupt.ts'
import { note, print } from './output.ts'
import { startProgress } from './progress.ts'
import { waiting } from './statements/waiting.ts'

interface Flags extends CacheFlags {
  batch?: number
  timeBudget?: number
}

export const clearExpiredCommand = withCacheOptions(new Command('clear-expired'))
  .description('delete expired entries in batches; safe under live traffic')
  .option('--batch <number>', 'delete this many entries at a time; default: 5000', wholeNumber)
  .option('--time-budget <span>', 'start no batch after this long: 60 (seconds), 5m', seconds)
  .addHelpText('after', examples('pgstash clear-expired', 'pgstash clear-expired --batch 1000 --time-budget 60'))
  .action(async ({ batch, timeBudget, ...flags }: Flags) => {
    await withCache(flags, async (place) => {
      const stopping = onInterrupt()
      const progress = await startProgress(await countWaiting(place))
      const budget = timeBudget === undefined ? undefined : Math.ceil(timeBudget * 1000)
      const options = { ...omitUndefined({ batch, timeBudget: budget }), signal: stopping, onProgress: progress.at }
      const { removed, more } = await place.cache.clearExpired(options).finally(progress.end)
      await print(`Removed ${countEntries(removed)}.\n`)
      if (more) note('More expired entries are waiting. Run the command again to continue.')
      if (stopping.aborted) process.exitCode = EXIT.interrupted
    })
  })

async function countWaiting({ runner, scope }: Place): Promise<number> {
  const [row] = await runner.run(forScope(waiting, scope), { ...keyRange(scope) })
  return row?.count ?? 0
}
