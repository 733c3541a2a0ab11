/** `pgstash set` */
import { buffer } from 'node:stream/consumers'
import { Command } from 'commander'
import { collect, collectTags, EXPIRATION, EXPIRATION_OPTION_HELP, expiration } from './arguments.ts'
import { type CacheFlags, omitUndefined, withCache, withCacheOptions } from './cache-options.ts'
import { storedBytes, writeValue } from './exact-values.ts'
import { examples } from './formats.ts'
import { storedForm } from './json-text.ts'
import { print } from './output.ts'
import { readText } from './read-lines.ts'
import { UserError } from './user-error.ts'

interface Flags extends CacheFlags {
  bytes?: boolean
  expiration?: string
  tags?: string[]
  tag?: string[]
}

export const setCommand = withCacheOptions(new Command('set'))
  .description('store a value under a key')
  .argument('<key>', 'key to store the value under')
  .argument('<json>', 'value as JSON; - reads standard input')
  .option(`--expiration ${EXPIRATION}`, EXPIRATION_OPTION_HELP)
  .option('--bytes', 'store the bytes of standard input as they are')
  .option('--tags <list>', 'add these tags, separated by commas', collectTags)
  .option('--tag <tag>', 'add one tag, which may contain commas; repeatable', collect)
  .addHelpText(
    'after',
    examples(
      `pgstash set user:42 '{"name":"Ada"}' --expiration 10m --tags users,user:42`,
      `curl -s https://example.com/rates.json | pgstash set rates - --expiration 1h`,
      `pgstash set logo - --bytes < logo.png`,
    ),
  )
  .action(
    async (key: string, content: string, { expiration: when, bytes = false, tags = [], tag = [], ...flags }: Flags) => {
      const form = await formOf(content, bytes)
      const options = omitUndefined({ expiration: when === undefined ? undefined : expiration(when) })
      await withCache(flags, async ({ cache }) => {
        await writeValue(cache, key, form, { ...options, tags: [...tags, ...tag] })
        await print('Stored.\n')
      })
    },
  )

/** @throws UserError, without quoting the input */
async function formOf(content: string, isBytes: boolean) {
  if (!isBytes) return storedForm(content === '-' ? await readText(process.stdin) : content)
  if (content === '-') return storedBytes(await buffer(process.stdin))
  throw new UserError('Expected - as the value, because --bytes reads standard input.')
}
