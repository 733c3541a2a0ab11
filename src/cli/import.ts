/** `pgstash import` */
import { Command } from 'commander'
import { number as count } from '../doctor/figures.ts'
import { type CacheFlags, type Place, withCache, withCacheOptions } from './cache-options.ts'
import { type DumpLine, keyOf, parseLine, tagsOf } from './dump-line.ts'
import { countEntries, examples } from './formats.ts'
import { note, print } from './output.ts'
import { readLines } from './read-lines.ts'
import { importEntries } from './statements/import-entries.ts'
import { readOrigin } from './statements/read-origin.ts'

const BATCH_ENTRIES = 1_000
const BATCH_CHARACTERS = 4 * 1024 * 1024

interface Flags extends CacheFlags {
  strict?: boolean
}

export const importCommand = withCacheOptions(new Command('import'))
  .description('store the entries of an export, from standard input')
  .option('--strict', 'skip tagged entries that come from another database')
  .addHelpText(
    'after',
    examples('pgstash import < cache.jsonl', 'gunzip -c shop.jsonl.gz | pgstash import --namespace shop-copy'),
  )
  .action(async ({ strict = false, ...flags }: Flags) => {
    await withCache(flags, async (place) => {
      const { stored, left, foreign } = await importAll(place, strict)
      await print(`Imported ${countEntries(stored)}.\n`)
      if (left.past > 0) note(`Skipped ${countEntries(left.past)} that had expired.`)
      if (left.tooLong > 0) {
        note(`Skipped ${countEntries(left.tooLong)} with long keys, which cannot move to another namespace.`)
      }
      if (left.foreign > 0) note(`Skipped ${countEntries(left.foreign)} with tags from another database.`)
      if (foreign > 0) {
        note(
          `${count(foreign)} with tags came from another database. This database does not know earlier ` +
            'invalidations of them, so they count as read now. Use --strict to skip such entries.',
        )
      }
    })
  })

interface Entry extends DumpLine {
  readonly stored: string
}

async function importAll(place: Place, isStrict: boolean) {
  const { cache, runner, scope } = place
  const target = scope.prefix === '' ? undefined : scope.prefix
  const [{ origin } = { origin: null }] = await runner.run(readOrigin)
  // Taken before the first line is read, so that an invalidation during the import also rejects imported entries.
  const asOf = await cache.snapshot()
  const left = { past: 0, tooLong: 0, foreign: 0 }
  let stored = 0
  let foreign = 0
  for await (const batch of batchesOf(readLines(process.stdin))) {
    const chosen = new Map<string, Entry>()
    for (const line of batch) {
      const key = keyOf(line, target)
      const isForeign = (line.tags?.length ?? 0) > 0 && (line.origin === undefined || line.origin !== origin)
      if (key === undefined) left.tooLong++
      else if (isForeign && isStrict) left.foreign++
      else {
        if (isForeign) foreign++
        const { filledAt, ...rest } = line
        chosen.set(key, { ...(isForeign ? rest : line), stored: key })
      }
    }
    const written = await writeBatch(place, [...chosen.values()], asOf)
    stored += written
    left.past += chosen.size - written
  }
  return { stored, left, foreign }
}

async function writeBatch({ runner }: Place, batch: Entry[], asOf: string): Promise<number> {
  if (batch.length === 0) return 0
  const column = <T>(of: (entry: Entry) => T | undefined) => batch.map((entry) => of(entry) ?? null)
  const [row] = await runner.run(importEntries, {
    asOf,
    keys: column(({ stored }) => stored),
    values: column(({ value }) => value),
    numbers: column(({ number }) => number),
    expiresAts: column(({ expiresAt }) => expiresAt),
    keptUntils: column(({ keptUntil, expiresAt }) => (keptUntil === undefined ? expiresAt : keptUntil)),
    tags: column((entry) => tagsOf(entry)),
    filledAts: column(({ filledAt }) => filledAt),
    computeMs: column(({ computeMs }) => computeMs?.toString()),
    createdAts: column(({ createdAt }) => createdAt),
    updatedAts: column(({ updatedAt }) => updatedAt),
    metas: column(({ meta }) => meta),
  })
  return row?.count ?? 0
}

/** @throws UserError at the first wrong line. Earlier batches are already stored; importing them again does no harm. */
async function* batchesOf(lines: AsyncIterable<string>): AsyncGenerator<DumpLine[]> {
  let batch: DumpLine[] = []
  let characters = 0
  let place = 0
  for await (const text of lines) {
    place++
    if (text.trim() === '') continue
    if (batch.length === BATCH_ENTRIES || characters + text.length > BATCH_CHARACTERS) {
      if (batch.length > 0) yield batch
      batch = []
      characters = 0
    }
    batch.push(parseLine(text, place))
    characters += text.length
  }
  yield batch
}
