/** `pgstash load` */
import { writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { judge } from '../load/judge.ts'
import { LEASE_MS } from '../load/make-call.ts'
import { type LoadPlan, parseLoadOptions } from '../load/options.ts'
import { htmlReport } from '../load/report-html.ts'
import { textReport } from '../load/report-text.ts'
import { finalCounts, type LoadResult } from '../load/run-load.ts'
import { summarize } from '../load/summarize.ts'
import { number, seconds } from './arguments.ts'
import { omitUndefined, type TableFlags, tablesOf, withTableOptions } from './cache-options.ts'
import { EXIT } from './exit-codes.ts'
import { examples, JSON_HELP } from './formats.ts'
import { runProcesses } from './load-processes.ts'
import { openSite } from './load-site.ts'
import { UserError } from './user-error.ts'

/** Added to the duration, so that no entry expires in a run that ends late. A checker would report it as lost. */
const MARGIN_SECONDS = 3_600

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

export const loadCommand = withTableOptions(new Command('load'))
  .description('run a load test and check that the cache is correct')
  .option('--duration <span>', 'run for this long: 10 (seconds), 2m', seconds, 10)
  .option('--operations <number>', 'stop each client after this many calls', number)
  .option('--processes <number>', 'start this many processes', number, 2)
  .option('--clients <number>', 'run this many clients per process', number, 8)
  .option('--keys <number>', 'use this many keys per kind; fewer: more contention', number, 5)
  .option('--value-bytes <number>', 'pad each value with this many bytes', number, 100)
  .option('--seed <number>', 'seed the plan and the faults', number, 1)
  .option('--read-share <share>', 'make this share of calls read, from 0 to 1', number, 0.6)
  .option('--faults', 'drop, delay and fail some requests')
  .option('--wrap <module>', "wrap the cache with this module's default export")
  .option('--json', JSON_HELP)
  .option('--html <file>', 'write a report with plots into this file')
  .addHelpText(
    'after',
    `${examples('pgstash load', 'pgstash load --duration 60 --faults --html report.html')}
Without a database, the command starts an embedded Postgres.`,
  )
  .action(async (flags: Flags) => {
    const result = await load(flags)
    if (result.violations.length > 0) process.exitCode = EXIT.no
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
  const { schema, tablePrefix: prefix, wrap, processes } = flags
  const startedAt = performance.now()
  const { history, roundTrips } = await runProcesses(processes, {
    ...omitUndefined({ schema, prefix, wrap }),
    plan,
    databaseUrl: site.databaseUrl,
    endpoint: site.endpoint,
    namespace: site.namespace,
    expiration: plan.duration + MARGIN_SECONDS,
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
  return parseLoadOptions({ duration, clients, keys, valueBytes, seed, readShare, ...omitUndefined({ operations }) })
}

const colour = () => process.stdout.isTTY === true && !process.env.NO_COLOR
