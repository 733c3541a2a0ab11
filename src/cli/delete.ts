/** `pgstash delete` */
import { Command } from 'commander'
import { type CacheFlags, withCache, withCacheOptions } from './cache-options.ts'
import { EXIT } from './exit-codes.ts'
import { countEntries, examples } from './formats.ts'
import { print } from './output.ts'

export const deleteCommand = withCacheOptions(new Command('delete'))
  .description('delete keys; exit with 1 if none was live')
  .argument('<key...>', 'keys to delete')
  .addHelpText('after', examples('pgstash delete user:42', 'pgstash delete --namespace shop user:42 user:43'))
  .action(async (keys: string[], flags: CacheFlags) => {
    await withCache(flags, async ({ cache }) => {
      const removed = await cache.deleteMany(keys)
      await print(`Deleted ${countEntries(removed)}.\n`)
      if (removed === 0) process.exitCode = EXIT.no
    })
  })
