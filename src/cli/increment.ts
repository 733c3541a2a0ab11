/** `pgstash increment` */
import { Command } from 'commander'
import { decimal, EXPIRATION, EXPIRATION_OPTION_HELP, expiration } from './arguments.ts'
import { type CacheFlags, omitUndefined, withCache, withCacheOptions } from './cache-options.ts'
import { addTo } from './exact-values.ts'
import { examples } from './formats.ts'
import { print } from './output.ts'
import { UserError } from './user-error.ts'

interface Flags extends CacheFlags {
  by?: string
  expiration?: string
}

export const incrementCommand = withCacheOptions(new Command('increment'))
  .description('add to a counter atomically and print the sum')
  .argument('<key>', 'key of the counter')
  .argument('[delta]', 'number to add; default: 1', decimal)
  .option('--by <delta>', 'add this number; same as the argument', decimal)
  .option(`--expiration ${EXPIRATION}`, EXPIRATION_OPTION_HELP)
  .addHelpText(
    'after',
    `${examples('pgstash increment views', 'pgstash increment stock --by -3 --expiration 1d')}
--expiration applies only if the counter is new. An existing counter keeps its deadline.`,
  )
  .action(async (key: string, delta: string | undefined, { by, expiration: when, ...flags }: Flags) => {
    if (delta !== undefined && by !== undefined) {
      throw new UserError('Expected one delta, after the key or with --by, but got both.')
    }
    const options = omitUndefined({ expiration: when === undefined ? undefined : expiration(when) })
    await withCache(flags, async ({ cache }) => {
      await print(`${await addTo(cache, key, delta ?? by ?? '1', options)}\n`)
    })
  })
