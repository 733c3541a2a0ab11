/** `pgstash get` */
import { Command } from 'commander'
import type { Codec } from '../values/codec.ts'
import { type CacheFlags, withCache, withCacheOptions } from './cache-options.ts'
import { EXIT } from './exit-codes.ts'
import { examples } from './formats.ts'
import { note, print } from './output.ts'

interface Flags extends CacheFlags {
  raw?: boolean
}

const asStored: Codec = { encode: String, decode: (text) => text }

export const getCommand = withCacheOptions(new Command('get'))
  .description('print a value as JSON; exit code 1 on a miss')
  .argument('<key>')
  .option('--raw', 'print the stored text, for a codec of your own')
  .addHelpText('after', examples('pgstash get user:42', 'pgstash get --namespace shop user:42 | jq .name'))
  .action(async (key: string, { raw = false, ...flags }: Flags) => {
    const codec = raw ? asStored : undefined
    await withCache(
      flags,
      async ({ cache }) => {
        const value = await cache.get(key)
        if (value === undefined) {
          note('No live entry has this key.')
          process.exitCode = EXIT.no
        } else await print(raw ? `${value}\n` : `${JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0)}\n`)
      },
      codec,
    )
  })
