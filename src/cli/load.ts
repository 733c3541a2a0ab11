/** `pgstash load` */
import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import { judge } from '../load/judge.ts'
import { LEASE_MS } from '../load/make-call.ts'
import { type LoadPlan, parseLoadOptions } from '../load/options.ts'
import { htmlReport } from '../load/report-html.ts'
import { textReport } from '../load/report-text.ts'
import { finalCounts, type LoadResult } from '../load/run-load.ts'
import { summarize } from '../load/summarize.ts'
import { CacheError } from '../values/errors.ts'
import { given, type TableFlags, tablesOf, withPrefixOption } from './cache-options.ts'
import { runProcesses } from './load-processes.ts'
import { openSite } from './load-site.ts'
import { UserError } from './user-error.ts'

interface Flags extends TableFlags {
  duration: number
  clients: number
  processes: number
  operations?: number
  keys: number
  valueBytes: number
  seed: number
  readShare: number
  json?: boolean
  html?: string
  faults?: boolean
  wrap?: string
}

/** The load ran and found a violation. */
const EXIT_VIOLATION = 1
/** It could not run, so that nothing is known. */
const EXIT_FAILED = 2

export const loadCommand = withPrefixOption(new Command('load'))
  .description('put a cache under load over HTTP, and check that it keeps its promises')
  .option('--duration <seconds>', 'how long', number, 10)
  .option('--operations <n>', 'at most so many calls of each client', number)
  .option('--processes <n>', 'processes', number, 2)
  .option('--clients <n>', 'concurrent callers in each process', number, 8)
  .option('--keys <n>', 'keys of each kind; fewer mean more contention', number, 5)
  .option('--value-bytes <n>', "length of each value's padding", number, 100)
  .option('--seed <n>', 'of the plan and the faults', number, 1)
  .option('--read-share <share>', 'share of calls that read, from 0 to 1', number, 0.6)
  .option('--faults', 'an endpoint that drops requests, answers and connections, delays, and answers 503')
  .option('--wrap <module>', 'a module whose default export makes of the cache the one to check')
  .option('--json', 'print the result as JSON')
  .option('--html <file>', 'write a report with plots')
  .addHelpText(
    'after',
    '\nWithout a database it starts an embedded one.\nExit codes: 0 all is well, 1 a violation, 2 it could not run.',
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_FAILED))
  .action(async (flags: Flags) => {
    try {
      const result = await load(flags)
      if (result.violations.length > 0) process.exitCode = EXIT_VIOLATION
    } catch (error) {
      const known = error instanceof UserError || error instanceof CacheError
      process.stderr.write(known ? `pgstash: ${error.message}\n` : `${error instanceof Error ? error.stack : error}\n`)
      process.exitCode = EXIT_FAILED
    }
  })

async function load(flags: Flags): Promise<LoadResult> {
  const plan = planOf(flags)
  const site = await openSite({ ...flags, faults: flags.faults === true, tables: tablesOf(flags) })
  try {
    const result = await measure(flags, plan, site)
    process.stdout.write(flags.json ? `${JSON.stringify(result, null, 2)}\n` : textReport(result, colour()))
    if (flags.html) await writeFile(flags.html, htmlReport(result))
    return result
  } finally {
    await site.close()
  }
}

async function measure(flags: Flags, plan: LoadPlan, site: Awaited<ReturnType<typeof openSite>>): Promise<LoadResult> {
  const { schema, tablePrefix, prefix = tablePrefix, wrap, processes } = flags
  const startedAt = performance.now()
  const { history, roundTrips } = await runProcesses(processes, {
    ...given({ schema, prefix, wrap }),
    plan,
    databaseUrl: site.databaseUrl,
    endpoint: site.endpoint,
    namespace: site.namespace,
    origin: process.hrtime.bigint(),
  })
  const durationMs = performance.now() - startedAt
  site.heal()
  const final = await finalCounts(site.target, plan)
  const violations = judge({ history, final, leaseMs: LEASE_MS, faults: flags.faults === true })
  return { ...summarize(history, durationMs), roundTrips, violations }
}

function planOf(flags: Flags): LoadPlan {
  const { duration, clients, keys, valueBytes, seed, readShare, operations, processes } = flags
  if (!Number.isInteger(processes) || processes < 1) throw new UserError('Expected --processes to be at least 1.')
  return parseLoadOptions({ duration, clients, keys, valueBytes, seed, readShare, ...given({ operations }) })
}

const colour = () => process.stdout.isTTY === true && !process.env.NO_COLOR

function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.')
  return value
}
