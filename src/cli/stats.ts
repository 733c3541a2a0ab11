/** `pgstash stats` */
import { setTimeout as wait } from 'node:timers/promises'
import { Command } from 'commander'
import type { Cache, CacheStats } from '../cache.ts'
import { bytes, number as count } from '../doctor/figures.ts'
import { pauseSeconds } from './arguments.ts'
import { type CacheFlags, omitUndefined, withCache, withCacheOptions } from './cache-options.ts'
import { examples, JSON_HELP } from './formats.ts'
import { exitAfter, onInterrupt } from './interrupt.ts'
import { colors, print } from './output.ts'
import { startProgress } from './progress.ts'

const DEFAULT_EVERY_SECONDS = 2

interface Flags extends CacheFlags {
  exact?: boolean
  json?: boolean
  watch?: boolean
  every: number
}

export const statsCommand = withCacheOptions(new Command('stats'))
  .description('count entries and bytes by state')
  .option('--exact', 'count every entry instead of estimating')
  .option('--json', JSON_HELP)
  .option('--watch', 'repeat until Ctrl-C')
  .option('--every <span>', 'with --watch, pause for: 2 (seconds), 1m', pauseSeconds, DEFAULT_EVERY_SECONDS)
  .addHelpText(
    'after',
    `${examples('pgstash stats', 'pgstash stats --exact', 'pgstash stats --namespace shop --watch --every 5')}
Above 10,000 entries, the figures are estimates unless you pass --exact.
With --watch, --json prints one line each time.`,
  )
  .action(async ({ exact = false, json = false, watch = false, every, ...flags }: Flags) => {
    await withCache(flags, async ({ cache }) => {
      const stopping = watch ? onInterrupt() : undefined
      let lines = 0
      do {
        // Only the first round draws a progress bar. A later bar would move the table down.
        const stats = await (exact ? countAll(cache, lines === 0, stopping) : cache.stats()).catch((error: unknown) => {
          if (!stopping?.aborted) throw error
        })
        if (stats === undefined) break
        const text = json ? `${JSON.stringify(stats)}\n` : await table(stats)
        // In a terminal, each table replaces the last one.
        if (process.stdout.isTTY && !json && lines > 0) await print(`\u001b[${lines}A\u001b[J`)
        await print(text)
        lines = text.split('\n').length - 1
        if (stopping) await wait(every * 1000, undefined, { signal: stopping }).catch(() => {})
      } while (stopping && !stopping.aborted)
      if (stopping) exitAfter(stopping)
    })
  })

async function countAll(cache: Cache, showsProgress: boolean, signal?: AbortSignal): Promise<CacheStats> {
  if (!showsProgress) return cache.stats({ exact: true, ...omitUndefined({ signal }) })
  const progress = await startProgress((await cache.stats()).total, 'formatCount')
  try {
    return await cache.stats({ exact: true, onProgress: progress.at, ...omitUndefined({ signal }) })
  } finally {
    progress.end()
  }
}

async function table(stats: CacheStats): Promise<string> {
  const { total, unexpired, forever, expired, bytes: size, estimated } = stats
  const { bold, dim } = await colors()
  const row = (name: string, value: string) => `${name.padEnd(10)}${`${estimated ? '~' : ''}${value}`.padStart(16)}`
  const lines = [
    bold(row('total', count(total))),
    `${row('unexpired', count(unexpired))}  ${dim('live, and will expire')}`,
    `${row('forever', count(forever))}  ${dim('live, and never expire')}`,
    `${row('expired', count(expired))}  ${dim('past the deadline or invalidated: a miss, or served stale')}`,
    `${row('size', bytes(size))}  ${dim('of keys and values, as stored')}`,
    ...(estimated ? [dim('~ marks estimates; use --exact to count')] : []),
  ]
  return `${lines.join('\n')}\n`
}
