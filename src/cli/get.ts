/** `pgstash get` */
import { Command } from 'commander'
import type { ListedEntry } from '../cache.ts'
import { decodeResponse } from '../postgres/responses/row.ts'
import type { Codec } from '../values/codec.ts'
import { storedKey } from '../values/key.ts'
import { type CacheFlags, given, type Place, readingCodec, withCache, withCacheOptions } from './cache-options.ts'
import { EXIT } from './exit-codes.ts'
import { examples } from './formats.ts'
import { note, print } from './output.ts'
import { readResponse } from './statements/read-response.ts'

interface Flags extends CacheFlags {
  raw?: boolean
}

const ENCODED =
  'This is a stored response, encoded by a codec that this command does not have. Use --raw to print the stored text.'

/** The most variants of a URL that are listed. */
const LISTED = 20

const asStored: Codec = { encode: String, decode: (text) => text }

export const getCommand = withCacheOptions(new Command('get'))
  .description('print a value as JSON; exit code 1 on a miss')
  .argument('<key>')
  .option('--raw', 'print the stored text, for a codec of your own')
  .addHelpText('after', examples('pgstash get user:42', 'pgstash get --namespace shop user:42 | jq .name'))
  .action(async (key: string, { raw = false, ...flags }: Flags) => {
    const codec = raw ? asStored : readingCodec()
    await withCache(
      flags,
      async (place) => {
        if (!raw && (await printResponse(place, key, codec))) return
        const value = await place.cache.get(key)
        if (value === null && (await noteVariants(place, key))) process.exitCode = EXIT.no
        else if (value === undefined) {
          note('No live entry has this key.')
          process.exitCode = EXIT.no
        } else await print(raw ? `${value}\n` : `${JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0)}\n`)
      },
      codec,
    )
  })

/** Prints the body of a stored response. False if the key holds none. */
async function printResponse({ runner, scope }: Place, key: string, codec: Codec): Promise<boolean> {
  const [row] = await runner.run(readResponse, { key: storedKey(scope, key) })
  if (row === undefined) return false
  try {
    const { body } = await decodeResponse({ ...row, meta: JSON.parse(row.meta), partOffset: null }, codec)
    await print(body?.bytes ?? '')
  } catch {
    note(ENCODED)
    process.exitCode = EXIT.failure
  }
  return true
}

/** Lists the variants of a URL whose responses vary: its own row holds only the names of fields. False if there are none. */
async function noteVariants({ cache }: Place, key: string): Promise<boolean> {
  if (!/^GET https?:/.test(key)) return false
  const entries: ListedEntry[] = []
  let cursor: string | undefined
  do {
    const page = await cache.list({ prefix: `${key} `, limit: LISTED, ...given({ cursor }) })
    entries.push(...page.entries)
    cursor = page.cursor
  } while (cursor !== undefined && entries.length < LISTED)
  if (entries.length === 0) return false
  const more = cursor === undefined ? '' : '\n…'
  note(`The responses of this URL vary. Print one by its key:\n${entries.map((each) => each.key).join('\n')}${more}`)
  return true
}
