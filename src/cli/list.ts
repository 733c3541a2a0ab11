/** `pgstash list` */
import { Command, Option } from 'commander'
import type { Cache, ListedEntry, ListOptions } from '../cache.ts'
import { bytes } from '../doctor/figures.ts'
import { visibleName } from '../values/visible-name.ts'
import { wholeNumber } from './arguments.ts'
import { type CacheFlags, given, withCache, withCacheOptions } from './cache-options.ts'
import { examples, shellWord } from './formats.ts'
import { colors, print } from './output.ts'

/** The most that one statement answers with. */
const PAGE = 1_000

interface Flags extends CacheFlags {
  prefix?: string
  state?: NonNullable<ListOptions['state']>
  limit?: number
  json?: boolean
}

export const listCommand = withCacheOptions(new Command('list'))
  .description('list entries by key, without values')
  .option('--prefix <text>', 'list only keys that start with this')
  .addOption(
    new Option('--state <state>', 'list only entries in this state').choices([
      'live',
      'expired',
      'forever',
      'invalidated',
    ]),
  )
  .option('--limit <number>', 'list at most this many', wholeNumber)
  .option('--json', 'print a JSON array, one entry per line')
  .addHelpText(
    'after',
    examples('pgstash list --namespace shop --prefix user: --state live', "pgstash list --json | jq '.[].key'"),
  )
  .action(async ({ prefix, state, limit, json = false, ...flags }: Flags) => {
    await withCache(flags, async ({ cache }) => {
      const found = entriesOf(cache, given({ prefix, state }), limit)
      await (json ? printJson(found) : printLines(found))
    })
  })

/** Page by page, so that any number fits into memory. */
async function* entriesOf(cache: Cache, options: ListOptions, limit = Number.POSITIVE_INFINITY) {
  let left = limit
  let cursor: string | undefined
  do {
    const page = await cache.list({ ...options, ...given({ cursor }), limit: Math.min(PAGE, left) })
    yield page.entries
    left -= page.entries.length
    cursor = page.cursor
  } while (cursor !== undefined && left > 0)
}

async function printJson(pages: AsyncIterable<ListedEntry[]>): Promise<void> {
  let separator = '['
  for await (const page of pages) {
    let text = ''
    for (const entry of page) {
      text += `${separator}\n${JSON.stringify(entry)}`
      separator = ','
    }
    await print(text)
  }
  await print(separator === '[' ? '[]\n' : '\n]\n')
}

async function printLines(pages: AsyncIterable<ListedEntry[]>): Promise<void> {
  const { dim } = await colors()
  let isFirst = true
  for await (const page of pages) {
    // A page without matches is not the last.
    if (page.length === 0) continue
    // In a pipe a heading would be taken for an entry.
    if (isFirst && process.stdout.isTTY) {
      await print(dim(`${'expires'.padEnd(24)}  ${'size'.padStart(10)}  key\n`))
    }
    isFirst = false
    await print(page.map((entry) => `${lineOf(entry, dim)}\n`).join(''))
  }
}

function lineOf(
  { key, namespace, state, expiresAt, bytes: size, tags }: ListedEntry,
  dim: (text: string) => string,
): string {
  // The deadline of an entry that a tag rejected no longer matters.
  const expires = (state === 'invalidated' ? state : (expiresAt?.toISOString() ?? 'never')).padEnd(24)
  const tagged = tags.length === 0 ? '' : dim(`  [${tags.map(visibleName).join(', ')}]`)
  // As other commands take it: the key, and the options that lead to it.
  const within = namespace.map((name) => dim(`  --namespace ${shellWord(visibleName(name))}`)).join('')
  return `${expires}  ${bytes(size).padStart(10)}  ${visibleName(key)}${within}${tagged}`
}
