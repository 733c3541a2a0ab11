/** `pgstash set` */
import { buffer } from 'node:stream/consumers'
import { Command } from 'commander'
import { EXPIRATION, EXPIRATION_HELP, expiration, repeated, tagList } from './arguments.ts'
import { type CacheFlags, given, withCache, withCacheOptions } from './cache-options.ts'
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
  .argument('<key>')
  .argument('<json>', 'value as JSON; - reads standard input')
  .option(`--expiration ${EXPIRATION}`, `deadline: ${EXPIRATION_HELP}`)
  .option('--bytes', 'with -: store the bytes of standard input as they are')
  .option('--tags <list>', 'tags, separated by commas', tagList)
  .option('--tag <tag>', 'one tag, commas included; repeatable', repeated)
  .addHelpText(
    'after',
    examples(
      `pgstash set user:42 '{"name":"Ada"}' --expiration 10m --tags users,user:42`,
      `curl -s https://example.com/rates.json | pgstash set rates - --expiration 1h`,
      `pgstash set logo - --bytes < logo.png`,
    ),
  )
  .action(
    async (key: string, given_: string, { expiration: when, bytes = false, tags = [], tag = [], ...flags }: Flags) => {
      const form = await formOf(given_, bytes)
      const options = given({ expiration: when === undefined ? undefined : expiration(when) })
      await withCache(flags, async ({ cache }) => {
        await writeValue(cache, key, form, { ...options, tags: [...tags, ...tag] })
        await print('Stored.\n')
      })
    },
  )

/** @throws UserError, whose message does not repeat the input */
async function formOf(given_: string, isBytes: boolean) {
  if (!isBytes) return storedForm(given_ === '-' ? await readText(process.stdin) : given_)
  if (given_ === '-') return storedBytes(await buffer(process.stdin))
  throw new UserError('Expected - as the value, because --bytes reads standard input.')
}
