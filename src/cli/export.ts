/** `pgstash export` */
import { Command } from 'commander'
import type { Operation } from '../postgres/operation.ts'
import { keyRange } from '../values/key.ts'
import { type CacheFlags, omitUndefined, type Place, withCache, withCacheOptions } from './cache-options.ts'
import type { DumpLine } from './dump-line.ts'
import { examples } from './formats.ts'
import { print } from './output.ts'
import { exportPage } from './statements/export-page.ts'
import { readOrigin } from './statements/read-origin.ts'

const PAGE_ENTRIES = 1_000
/** The command holds one page in memory at a time. A single larger entry makes a larger page. */
const PAGE_BYTES = 4 * 1024 * 1024

export const exportCommand = withCacheOptions(new Command('export'))
  .description('write live entries to standard output as JSON lines')
  .addHelpText(
    'after',
    examples('pgstash export > cache.jsonl', 'pgstash export --namespace shop | gzip > shop.jsonl.gz'),
  )
  .action(async (flags: CacheFlags) => {
    await withCache(flags, async (place) => {
      for await (const lines of pagesOf(place)) await print(lines.map(textOf).join(''))
    })
  })

async function* pagesOf({ runner, scope }: Place): AsyncGenerator<DumpLine[]> {
  const [{ origin } = { origin: null }] = await runner.run(readOrigin)
  const values = { ...keyRange(scope), limit: PAGE_ENTRIES, bytes: PAGE_BYTES }
  const namespace = scope.prefix === '' ? undefined : scope.prefix
  for (let after = ''; ; ) {
    const rows = await runner.run(exportPage, { ...values, after })
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows.filter(({ isFound }) => isFound).map((row) => lineOf(row, namespace, origin))
    after = last.key
  }
}

type Row = typeof exportPage extends Operation<infer R> ? R : never

function lineOf(row: Row, namespace: string | undefined, origin: string | null): DumpLine {
  const { key, keptUntil, tags, filledAt, isFound: _, isEdge: __, ...rest } = row
  const isTagged = tags !== null
  return omitUndefined({
    namespace,
    key: key.slice(namespace?.length ?? 0),
    ...(withoutNulls(rest) as Omit<DumpLine, 'key'>),
    keptUntil: keptUntil === row.expiresAt ? undefined : keptUntil,
    tags: tags ?? undefined,
    filledAt: isTagged ? (filledAt ?? undefined) : undefined,
    origin: isTagged ? (origin ?? undefined) : undefined,
  })
}

function withoutNulls(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

// JSON does not escape U+2028 and U+2029, but some line readers end a line there.
function textOf(line: DumpLine): string {
  return `${JSON.stringify(line).replace(/[\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`)}\n`
}
