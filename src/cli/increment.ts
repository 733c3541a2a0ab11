/** `pgstash increment` */
import { Command } from 'commander'
import { EXPIRATION, expiration, number } from './arguments.ts'
import { type CacheFlags, given, withCache, withCacheOptions } from './cache-options.ts'
import { examples } from './formats.ts'
import { print } from './output.ts'
import { UserError } from './user-error.ts'

interface Flags extends CacheFlags {
  by?: number
  expiration?: string
}

export const incrementCommand = withCacheOptions(new Command('increment'))
  .description('add to a number atomically and print the sum')
  .argument('<key>')
  .argument('[delta]', 'number to add; default: 1', number)
  .option('--by <delta>', 'same as the argument', number)
  .option(`--expiration ${EXPIRATION}`, 'deadline of a new counter: 10m, 90 (seconds), never')
  .addHelpText('after', examples('pgstash increment views', 'pgstash increment stock --by -3 --expiration 1d'))
  .action(async (key: string, delta: number | undefined, { by, expiration: when, ...flags }: Flags) => {
    if (delta !== undefined && by !== undefined) throw new UserError('Expected one delta, behind the key or with --by.')
    const options = given({ expiration: when === undefined ? undefined : expiration(when) })
    await withCache(flags, async ({ cache }) => {
      await print(`${await cache.increment(key, delta ?? by ?? 1, options)}\n`)
    })
  })
