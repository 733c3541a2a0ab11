/** `pgstash get` */
import { Command } from 'commander'
import { bytes } from '../doctor/figures.ts'
import { type DecodedResponse, decodeResponse } from '../postgres/responses/row.ts'
import { storedKey } from '../values/key.ts'
import { type CacheFlags, type Place, readingCodec, withCache, withCacheOptions } from './cache-options.ts'
import { contentOf, readValue } from './exact-values.ts'
import { EXIT } from './exit-codes.ts'
import { examples } from './formats.ts'
import { compactJson, indentedJson } from './json-text.ts'
import { noteMiss, noteVariants } from './misses.ts'
import { note, print, withoutControls } from './output.ts'
import { readResponse } from './statements/read-response.ts'

interface Flags extends CacheFlags {
  raw?: boolean
  headers?: boolean
}

const ENCODED =
  'The key holds a stored response, but its codec is not available here. Use --raw to print the stored text.'

export const getCommand = withCacheOptions(new Command('get'))
  .description('print a value, or the body of a stored response')
  .argument('<key>', 'key to print')
  .option('--raw', 'print the stored text without decoding it')
  .option('--headers', 'print status and header fields of a stored response')
  .addHelpText(
    'after',
    `${examples(
      'pgstash get user:42',
      'pgstash get --namespace shop user:42 | jq .name',
      "pgstash get --namespace http 'GET https://example.com/' --headers",
    )}
On a miss, the command exits with 1 and prints the reason to standard error.`,
  )
  .action(async (key: string, { raw = false, headers = false, ...flags }: Flags) => {
    await withCache(flags, async (place) => {
      if (!raw && (await printResponse(place, key, headers))) return
      const stored = await readValue(place.cache, key)
      if (stored === undefined || headers || (isNull(stored) && (await noteVariants(place, key)))) {
        if (stored === undefined) await noteMiss(place, key)
        else if (headers) note('The entry is a value, not a stored response: leave out --headers.')
        process.exitCode = EXIT.no
      } else if (raw) await print(`${stored.number ?? stored.value ?? 'null'}\n`)
      else await printContent(await contentOf(stored, key))
    })
  })

const isNull = ({ value, number }: { value: string | null; number: string | null }) => value === null && number === null

async function printContent(content: string | Uint8Array): Promise<void> {
  if (typeof content === 'string') await printJson(content)
  else await printBytes(content, 'The value')
}

async function printJson(json: string): Promise<void> {
  // A terminal would obey control characters, so they are escaped. Both forms are the same JSON.
  await print(`${process.stdout.isTTY ? withoutControls(indentedJson(json)) : compactJson(json)}\n`)
}

/** Prints a stored response. False if the key holds none. */
async function printResponse({ runner, scope }: Place, key: string, headersOnly: boolean): Promise<boolean> {
  const [row] = await runner.run(readResponse, { key: storedKey(scope, key) })
  if (row === undefined) return false
  let response: DecodedResponse
  try {
    response = await decodeResponse({ ...row, meta: JSON.parse(row.meta), partOffset: null }, readingCodec())
  } catch {
    note(ENCODED)
    process.exitCode = EXIT.failure
    return true
  }
  if (headersOnly) await print(headersOf(response))
  else await printBody(response)
  return true
}

function headersOf({ meta: { status, headers } }: DecodedResponse): string {
  return [`${status}`, ...headers.map(([name, value]) => `${name}: ${value}`)]
    .map((line) => `${withoutControls(line)}\n`)
    .join('')
}

/** Prints the body. In a terminal, it first prints the status and the header fields to standard error. */
async function printBody(response: DecodedResponse): Promise<void> {
  const { bytes: body = new Uint8Array() } = response.body ?? {}
  if (process.stdout.isTTY) note(headersOf(response))
  if (response.form.base64 || !process.stdout.isTTY) return printBytes(body, 'The body')
  await print(withoutControls(new TextDecoder().decode(body)))
  if (body.at(-1) !== 0x0a) await print('\n')
}

/** Prints bytes only to a file or pipe, because a terminal would obey some of them. */
async function printBytes(content: Uint8Array, subject: string): Promise<void> {
  if (!process.stdout.isTTY) return print(content)
  note(`${subject} is not text (${bytes(content.length)}): redirect it to a file with >.`)
}
