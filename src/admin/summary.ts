/** The figures of the overview about entries: counts of a sample, scaled up to the whole. */

import { forScope } from '../postgres/operations/scoped.ts'
import { EXPIRED, EXPIRY_STEPS_S, NEVER_EXPIRES, SIZE_STEPS, summarize } from '../postgres/operations/summarize.ts'
import type { PostgresEngine } from '../postgres/postgres-store.ts'
import { keyRange } from '../values/key.ts'
import { bytes, span } from './format.ts'
import type { Column } from './plots/columns.tsx'

export interface Summary {
  readonly isEstimate: boolean
  readonly total: number
  readonly live: number
  readonly forever: number
  readonly bytes: number
  /** The largest first. `name` is the stored form; null for entries outside of any nested namespace. */
  readonly namespaces: readonly { readonly name: string | null; readonly entries: number; readonly bytes: number }[]
  readonly expiry: readonly Column[]
  readonly sizes: readonly Column[]
  readonly slowest: readonly { readonly key: string; readonly computeMs: number }[]
  readonly logRows: number
  readonly now: number
}

export async function loadSummary({ store: { runner }, scope }: PostgresEngine): Promise<Summary> {
  const values = { ...keyRange(scope), scopeLength: [...scope.prefix].length }
  const [row] = await runner.run(forScope(summarize, scope), values)
  if (row === undefined) throw new TypeError('Expected the summary to return one row.')
  const scale = (value: number) => Math.round(value * row.factor)
  return {
    isEstimate: row.isEstimate,
    total: scale(row.total),
    live: scale(row.live),
    forever: scale(row.forever),
    bytes: scale(row.bytes),
    namespaces: row.namespaces.map((each) => ({
      ...each,
      entries: scale(each.entries),
      bytes: scale(each.bytes),
    })),
    expiry: expiryColumns(row.expiry, scale),
    sizes: sizeColumns(row.sizes, scale),
    slowest: row.slowest,
    logRows: row.logRows,
    now: row.now,
  }
}

type Scale = (value: number) => number

function expiryColumns(counted: readonly { step: number; entries: number }[], scale: Scale): Column[] {
  const entries = new Map(counted.map(({ step, entries }) => [step, scale(entries)]))
  const labels = EXPIRY_STEPS_S.map((seconds) => span(seconds * 1_000))
  return [
    { label: 'expired', value: entries.get(EXPIRED) ?? 0, kind: 'calm' },
    ...[...labels, 'later'].map((label, i): Column => ({ label, value: entries.get(i) ?? 0, kind: 'fill' })),
    { label: 'never', value: entries.get(NEVER_EXPIRES) ?? 0, kind: 'good' },
  ]
}

function sizeColumns(counted: readonly { size: number; entries: number }[], scale: Scale): Column[] {
  const entries = new Map(counted.map(({ size, entries }) => [size, scale(entries)]))
  const labels = SIZE_STEPS.map((size) => bytes(size).replace('.0', ''))
  return [...labels, 'larger'].map((label, i) => ({ label, value: entries.get(i) ?? 0, kind: 'fill' }))
}
