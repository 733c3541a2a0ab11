/** `pgstash touch` */
import { Command } from 'commander'
import { EXPIRATION, EXPIRATION_HELP, EXPIRATION_OPTION_HELP, expiration } from './arguments.ts'
import { type CacheFlags, withCache, withCacheOptions } from './cache-options.ts'
import { EXIT } from './exit-codes.ts'
import { examples } from './formats.ts'
import { note, print } from './output.ts'
import { UserError } from './user-error.ts'

interface Flags extends CacheFlags {
  expiration?: string
}

export const touchCommand = withCacheOptions(new Command('touch'))
  .description('set the deadline of a live entry; exit with 1 if none')
  .argument('<key>', 'key of the entry')
  .argument('[when]', `deadline: ${EXPIRATION_HELP}`)
  .option(`--expiration ${EXPIRATION}`, EXPIRATION_OPTION_HELP)
  .addHelpText('after', examples('pgstash touch session:7 30m', 'pgstash touch report never'))
  .action(async (key: string, when: string | undefined, { expiration: option, ...flags }: Flags) => {
    const chosen = when ?? option
    if (chosen === undefined || (when !== undefined && option !== undefined)) {
      throw new UserError(`Expected one deadline, after the key or with --expiration: ${EXPIRATION_HELP}.`)
    }
    await withCache(flags, async ({ cache }) => {
      if (await cache.touch(key, expiration(chosen))) return print('Touched.\n')
      note('No live entry has this key.')
      process.exitCode = EXIT.no
    })
  })
