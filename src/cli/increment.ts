/** `pgstash increment` */
import { Command } from 'commander'
import { decimal, EXPIRATION, expiration } from './arguments.ts'
import { type CacheFlags, given, withCache, withCacheOptions } from './cache-options.ts'
import { addTo } from './exact-values.ts'
import { examples } from './formats.ts'
import { print } from './output.ts'
import { UserError } from './user-error.ts'

interface Flags extends CacheFlags {
  by?: string
  expiration?: string
}

export const incrementCommand = withCacheOptions(new Command('increment'))
  .description('add to a number atomically and print the sum')
  .argument('<key>')
  .argument('[delta]', 'number to add; default: 1', decimal)
  .option('--by <delta>', 'same as the argument', decimal)
  .option(`--expiration ${EXPIRATION}`, 'deadline of a new counter: 10m, 90 (seconds), never')
  .addHelpText('after', examples('pgstash increment views', 'pgstash increment stock --by -3 --expiration 1d'))
  .action(async (key: string, delta: string | undefined, { by, expiration: when, ...flags }: Flags) => {
    if (delta !== undefined && by !== undefined) throw new UserError('Expected one delta, behind the key or with --by.')
    const options = given({ expiration: when === undefined ? undefined : expiration(when) })
    await withCache(flags, async ({ cache }) => {
      await print(`${await addTo(cache, key, delta ?? by ?? '1', options)}\n`)
    })
  })
