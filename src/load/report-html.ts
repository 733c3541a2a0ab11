/** Writes the result as one self-contained page. Plots are SVG, and colours follow the reader's scheme. */
import type { LoadResult } from './run-load.ts'

const ROW = 22
const LABEL = 110
const WIDTH = 640

const STYLE = `:root { color-scheme: light dark; --bar: light-dark(#2563eb, #60a5fa) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse } th, td { padding: .2rem .8rem; text-align: right }
th:first-child, td:first-child { text-align: left }
svg { width: 100%; height: auto } rect { fill: var(--bar) } text { fill: currentColor; font-size: 13px }`

/** Escapes keys, stories and names. */
export function htmlReport(result: LoadResult): string {
  const { calls, errors, durationMs, hitRate, computations, histogram, operations } = result
  const facts = `${calls} calls in ${(durationMs / 1000).toFixed(1)} s, ${errors} errors, hit rate ${(hitRate * 100).toFixed(1)} %, ${computations} computations.`
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>pgstash load</title><style>${STYLE}</style>
<h1>pgstash load</h1>
<p>${facts}</p>
<h2>Violations</h2>
${violationList(result)}
<h2>Latency of all calls</h2>
${bars(
  'Calls by latency',
  histogram.map(({ upToMs, count }) => [`≤ ${upToMs} ms`, count]),
)}
<h2>99th percentile by operation, ms</h2>
${bars(
  '99th percentile by operation',
  operations.map(({ operation, p99 }) => [operation, Number(p99.toFixed(2))]),
)}
<h2>Operations</h2>
${table(result)}
</html>
`
}

function violationList({ violations }: LoadResult): string {
  if (violations.length === 0) return '<p>None.</p>'
  const items = violations.map(
    ({ kind, key, story }) =>
      `<li><strong>${escapeHtml(kind)}</strong> of <code>${escapeHtml(key)}</code>: ${escapeHtml(story)}`,
  )
  return `<ol>${items.join('\n')}</ol>`
}

function bars(title: string, rows: readonly (readonly [label: string, value: number])[]): string {
  const most = Math.max(Number.MIN_VALUE, ...rows.map(([, value]) => value))
  const drawn = rows.map(([label, value], i) => {
    const width = ((WIDTH - 2 * LABEL) * value) / most
    const y = i * ROW
    return `<text x="0" y="${y + 15}">${escapeHtml(label)}</text><rect x="${LABEL}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 6}"/><text x="${(LABEL + width + 6).toFixed(1)}" y="${y + 15}">${value}</text>`
  })
  const height = rows.length * ROW
  return `<svg role="img" aria-label="${escapeHtml(title)}" viewBox="0 0 ${WIDTH} ${height}">${drawn.join('\n')}</svg>`
}

function table({ operations }: LoadResult): string {
  const rows = operations.map(({ operation, count, errors, p50, p95, p99, max }) => {
    const cells = [operation, count, errors, ...[p50, p95, p99, max].map((value) => value.toFixed(2))]
    return `<tr>${cells.map((cell) => `<td>${escapeHtml(`${cell}`)}</td>`).join('')}</tr>`
  })
  const head = ['operation', 'count', 'errors', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms']
  return `<table><tr>${head.map((name) => `<th>${name}</th>`).join('')}</tr>${rows.join('\n')}</table>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
