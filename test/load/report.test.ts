import { expect, it } from 'vitest'
import type { Recorded } from '../../src/load/history.ts'
import { htmlReport } from '../../src/load/report-html.ts'
import { textReport } from '../../src/load/report-text.ts'
import { histogramOf, percentile, summarize } from '../../src/load/summarize.ts'

const SAMPLES = Array.from({ length: 100 }, (_, i) => i + 1)

it.each([
  [0.5, 50],
  [0.95, 95],
  [0.99, 99],
  [1, 100],
])('the %d percentile is a measured sample', (share, expected) => {
  expect(percentile(SAMPLES, share)).toBe(expected)
})

it('percentiles of no samples are 0', () => {
  expect(percentile([], 0.99)).toBe(0)
})

it('a sample at the edge of a bucket belongs to it, and empty buckets are kept', () => {
  expect(histogramOf([0, 0.25, 0.26, 2])).toEqual([
    { upToMs: 0.25, count: 2 },
    { upToMs: 0.5, count: 1 },
    { upToMs: 1, count: 0 },
    { upToMs: 2, count: 1 },
  ])
})

const read = (fields: Partial<Recorded>): Recorded => ({
  operation: 'get',
  kind: 'register',
  key: 'k',
  client: 0,
  start: 0,
  end: 1,
  ...fields,
})

it('the hit rate counts neither misses nor failed reads, and failed calls have no latency', () => {
  const summary = summarize([read({ version: '1' }), read({}), read({ end: 900, failed: 'DatabaseError' })], 1000)
  expect(summary).toMatchObject({ calls: 3, errors: 1, hitRate: 0.5 })
  expect(summary.operations).toEqual([{ operation: 'get', count: 3, errors: 1, p50: 1, p95: 1, p99: 1, max: 1 }])
})

const RESULT = {
  ...summarize([read({ version: '1' })], 1000),
  violations: [{ kind: 'stale read' as const, key: '<b>', story: 'a & "b"' }],
}

it('the page escapes all values', () => {
  const page = htmlReport(RESULT)
  expect(page).toContain('<code>&lt;b&gt;</code>: a &amp; &quot;b&quot;')
  expect(page).not.toContain('<b>')
})

it('the terminal gets colours only if asked for, and the first ten violations', () => {
  const many = { ...RESULT, violations: Array.from({ length: 12 }, () => RESULT.violations[0]).filter((v) => !!v) }
  expect(textReport(many)).not.toContain('\x1b')
  expect(textReport(many)).toContain('… and 2 more')
  expect(textReport(many, true)).toContain('\x1b[31m12 violations')
})
