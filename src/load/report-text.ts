/** Writes the result for a terminal. */
import type { LoadResult } from './run-load.ts'

const BAR_WIDTH = 40
/** A broken store has thousands of violations, more than a person reads. */
const SHOWN_VIOLATIONS = 10

const milliseconds = (value: number) => value.toFixed(value < 10 ? 2 : 1)

export function textReport(result: LoadResult, colour = false): string {
  const { calls, errors, durationMs, hitRate, computations, roundTrips } = result
  const perSecond = Math.round(calls / Math.max(durationMs / 1000, 0.001))
  const facts = [
    `${calls} calls in ${(durationMs / 1000).toFixed(1)} s (${perSecond}/s)`,
    `${errors} errors`,
    `hit rate ${(hitRate * 100).toFixed(1)} %`,
    `${computations} computations`,
    ...(roundTrips === undefined ? [] : [`${roundTrips} round trips`]),
  ]
  return `${[facts.join(', '), table(result), histogram(result), verdict(result, colour)].join('\n\n')}\n`
}

function table({ operations }: LoadResult): string {
  const head = ['operation', 'count', 'errors', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms']
  const rows = operations.map(({ operation, count, errors, p50, p95, p99, max }) => [
    operation,
    `${count}`,
    `${errors}`,
    ...[p50, p95, p99, max].map(milliseconds),
  ])
  return [head, ...rows]
    .map(([name = '', ...cells]) => name.padEnd(14) + cells.map((cell) => cell.padStart(10)).join(''))
    .join('\n')
}

function histogram({ histogram }: LoadResult): string {
  const most = Math.max(1, ...histogram.map(({ count }) => count))
  return histogram
    .map(({ upToMs, count }) => {
      const bar = '█'.repeat(Math.round((count / most) * BAR_WIDTH)) || (count > 0 ? '▏' : '')
      return `≤ ${`${upToMs}`.padStart(7)} ms ${bar.padEnd(BAR_WIDTH)} ${count}`
    })
    .join('\n')
}

function verdict({ violations }: LoadResult, colour: boolean): string {
  const paint = (text: string, code: number) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text)
  if (violations.length === 0) return paint('No violation.', 32)
  const shown = violations.slice(0, SHOWN_VIOLATIONS).map(({ kind, key, story }) => `- ${kind} of ${key}: ${story}`)
  const more = violations.length - shown.length
  const lines = [paint(`${violations.length} violations`, 31), ...shown, ...(more > 0 ? [`… and ${more} more`] : [])]
  return lines.join('\n')
}
