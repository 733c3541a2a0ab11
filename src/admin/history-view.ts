/** Prepares the recorded history for the plots: steps of equal length up to now, including steps without events. */

import type { PostgresEngine } from '../postgres/postgres-store.ts'
import { DatabaseError } from '../values/errors.ts'
import { readHistory } from './statements/read-history.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** At most 48 steps. More would be hard to tell apart, and would make the tables long. */
export const SPANS = {
  hour: { label: 'Last hour', spanMs: HOUR_MS, stepMs: 5 * MINUTE_MS },
  day: { label: 'Last day', spanMs: DAY_MS, stepMs: HOUR_MS / 2 },
  week: { label: 'Last 7 days', spanMs: 7 * DAY_MS, stepMs: 4 * HOUR_MS },
} as const

export type SpanName = keyof typeof SPANS

export interface Step {
  readonly at: number
  readonly hits: number
  readonly misses: number
  readonly stale: number
  readonly invalidations: number
  readonly fills: number
  readonly fillMs: number
  readonly slowestFillMs: number
  readonly cleanups: number
  readonly removed: number
  readonly errors: number
  readonly allowed: number
  readonly refused: number
}

export interface History {
  readonly span: SpanName
  readonly times: readonly string[]
  readonly steps: readonly Step[]
  readonly totals: Step
}

const UNDEFINED_TABLE = '42P01'

export function spanOf(name: string | undefined): SpanName {
  return name !== undefined && Object.hasOwn(SPANS, name) ? (name as SpanName) : 'day'
}

/** Reads the rows of a span. Returns undefined if the table does not exist. */
export async function loadHistory({ store: { runner } }: PostgresEngine, span: SpanName, name: string | null) {
  try {
    return await runner.run(readHistory, { ...SPANS[span], name })
  } catch (error) {
    if (error instanceof DatabaseError && error.sqlState === UNDEFINED_TABLE) return undefined
    throw error
  }
}

type Rows = NonNullable<Awaited<ReturnType<typeof loadHistory>>>

/** @param now the database's clock */
export function historyOf(rows: Rows, span: SpanName, now: number): History {
  const { spanMs, stepMs } = SPANS[span]
  const known = new Map(rows.map((row) => [row.at, row]))
  const last = Math.floor(now / stepMs) * stepMs
  const steps = Array.from({ length: spanMs / stepMs }, (_, i): Step => {
    const at = last - spanMs + (i + 1) * stepMs
    return { ...EMPTY, ...known.get(at), at }
  })
  return { span, steps, times: steps.map(({ at }) => timeOf(at, span)), totals: steps.reduce(addSteps, EMPTY) }
}

const EMPTY: Step = {
  at: 0,
  hits: 0,
  misses: 0,
  stale: 0,
  invalidations: 0,
  fills: 0,
  fillMs: 0,
  slowestFillMs: 0,
  cleanups: 0,
  removed: 0,
  errors: 0,
  allowed: 0,
  refused: 0,
}

function addSteps(sum: Step, step: Step): Step {
  return {
    at: step.at,
    hits: sum.hits + step.hits,
    misses: sum.misses + step.misses,
    stale: sum.stale + step.stale,
    invalidations: sum.invalidations + step.invalidations,
    fills: sum.fills + step.fills,
    fillMs: sum.fillMs + step.fillMs,
    slowestFillMs: Math.max(sum.slowestFillMs, step.slowestFillMs),
    cleanups: sum.cleanups + step.cleanups,
    removed: sum.removed + step.removed,
    errors: sum.errors + step.errors,
    allowed: sum.allowed + step.allowed,
    refused: sum.refused + step.refused,
  }
}

/** A stale value counts as a hit. Returns undefined for a step without reads. */
export function hitRate({ hits, stale, misses }: Step): number | undefined {
  const asked = hits + stale + misses
  return asked === 0 ? undefined : (hits + stale) / asked
}

function timeOf(at: number, span: SpanName): string {
  const text = new Date(at).toISOString()
  return span === 'week' ? text.slice(5, 16).replace('T', ' ') : text.slice(11, 16)
}
