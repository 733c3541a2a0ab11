/** A plot of amounts over time, stacked: one column for each time step. */
import type { Child } from 'hono/jsx'
import { short } from '../format.ts'
import { roundToTenth } from './columns.tsx'
import { Figure, WIDTH } from './figure.tsx'
import { TimeAxis } from './time-axis.tsx'

export interface Series {
  readonly kind: 'good' | 'stale' | 'miss' | 'fill' | 'calm'
  readonly values: readonly number[]
}

export interface SeriesProps {
  readonly id: string
  readonly title: string
  readonly summary: string
  /** The label of each time step, oldest first. */
  readonly times: readonly string[]
  readonly series: readonly Series[]
  readonly legend?: Child
}

const TOP = 16
const PLOT_HEIGHT = 110
const LABELS = 22
const GAP_SHARE = 0.15

export const SeriesPlot = ({ id, title, summary, times, series, legend }: SeriesProps) => {
  const totals = times.map((_, i) => series.reduce((sum, { values }) => sum + (values[i] ?? 0), 0))
  const largest = Math.max(1, ...totals)
  const place = WIDTH / times.length
  const base = TOP + PLOT_HEIGHT
  const scale = (value: number) => (PLOT_HEIGHT * value) / largest
  return (
    <Figure id={id} title={title} summary={summary} legend={legend} height={base + LABELS}>
      {series.map(({ kind, values }, layer) => (
        <path class={kind} d={bars(values, (i) => below(series, layer, i))} />
      ))}
      <text x="0" y={TOP - 5}>
        {short(largest)}
      </text>
      <line class="axis" x1="0" x2={WIDTH} y1={TOP} y2={TOP} />
      <TimeAxis times={times} y={base} />
    </Figure>
  )

  /** Draws all columns of a series as one path, which takes a sixth of the bytes of separate elements. */
  function bars(values: readonly number[], offset: (i: number) => number): string {
    return values
      .map((value, i) => {
        if (value === 0) return ''
        const [x, y, width, height] = [
          place * (i + GAP_SHARE / 2),
          base - scale(offset(i) + value),
          place * (1 - GAP_SHARE),
          Math.max(1, scale(value)),
        ].map(roundToTenth)
        return `M${x} ${y}h${width}v${height}h-${width}z`
      })
      .join('')
  }
}

function below(series: readonly Series[], layer: number, i: number): number {
  return series.slice(0, layer).reduce((sum, { values }) => sum + (values[i] ?? 0), 0)
}
