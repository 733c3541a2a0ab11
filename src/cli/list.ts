/** `pgstash list` */
import { Command, Option } from 'commander'
import type { Cache, ListedEntry, ListOptions } from '../cache.ts'
import { bytes } from '../doctor/figures.ts'
import { visibleName } from '../values/visible-name.ts'
import { wholeNumber } from './arguments.ts'
import { type CacheFlags, omitUndefined, withCache, withCacheOptions } from './cache-options.ts'
import { examples, JSON_HELP, shellWord } from './formats.ts'
import { colors, print } from './output.ts'

/** The largest page that one statement returns. */
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
  .option('--limit <number>', 'list at most this many entries', wholeNumber)
  .option('--json', JSON_HELP)
  .addHelpText(
    'after',
    `${examples('pgstash list --namespace shop --prefix user: --state live', "pgstash list --json | jq '.[].key'")}
--json prints one array, with one entry per line.`,
  )
  .action(async ({ prefix, state, limit, json = false, ...flags }: Flags) => {
    await withCache(flags, async ({ cache }) => {
      const found = entriesOf(cache, omitUndefined({ prefix, state }), limit)
      await (json ? printJson(found) : printLines(found))
    })
  })

/** Reads page by page, so that any number of entries fits into memory. */
async function* entriesOf(cache: Cache, options: ListOptions, limit = Number.POSITIVE_INFINITY) {
  let left = limit
  let cursor: string | undefined
  do {
    const page = await cache.list({ ...options, ...omitUndefined({ cursor }), limit: Math.min(PAGE, left) })
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
    // A page without matches need not be the last one.
    if (page.length === 0) continue
    // In a pipe, a program would take the heading for an entry.
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
  // The deadline of an invalidated entry no longer matters.
  const expires = (state === 'invalidated' ? state : (expiresAt?.toISOString() ?? 'never')).padEnd(24)
  const tagged = tags.length === 0 ? '' : dim(`  [${tags.map(visibleName).join(', ')}]`)
  // In the form that other commands take: the key, then the options for its namespace.
  const within = namespace.map((name) => dim(`  --namespace ${shellWord(visibleName(name))}`)).join('')
  return `${expires}  ${bytes(size).padStart(10)}  ${visibleName(key)}${within}${tagged}`
}
