/** A plot of a distribution: one column for each class, with the number of entries on top. */
import { count, short } from '../format.ts'
import { Figure, WIDTH } from './figure.tsx'

export interface Column {
  readonly label: string
  readonly value: number
  /** The CSS class of the column. */
  readonly kind: 'fill' | 'good' | 'calm'
}

export interface ColumnsProps {
  readonly id: string
  readonly title: string
  readonly summary: string
  /** The heading of the classes in the table. */
  readonly heading: string
  readonly columns: readonly Column[]
}

const TOP = 18
const PLOT_HEIGHT = 120
const LABELS = 22
/** The share of a column's place that stays empty between two columns. */
const GAP_SHARE = 0.22
/** Even the smallest amount stays visible. */
const MIN_HEIGHT = 2

export const Columns = ({ id, title, summary, heading, columns }: ColumnsProps) => {
  const largest = Math.max(1, ...columns.map(({ value }) => value))
  const place = WIDTH / columns.length
  const base = TOP + PLOT_HEIGHT
  return (
    <Figure
      id={id}
      title={title}
      summary={summary}
      height={base + LABELS}
      table={{ columns: [heading, 'Entries'], rows: columns.map(({ label, value }) => [label, count(value)]) }}
    >
      {columns.map(({ label, value, kind }, i) => {
        const height = value === 0 ? 0 : Math.max(MIN_HEIGHT, (PLOT_HEIGHT * value) / largest)
        const middle = roundToTenth(place * (i + 0.5))
        return (
          <>
            <rect
              class={kind}
              x={roundToTenth(place * (i + GAP_SHARE / 2))}
              y={roundToTenth(base - height)}
              width={roundToTenth(place * (1 - GAP_SHARE))}
              height={roundToTenth(height)}
              rx="2"
            />
            {value > 0 && (
              <text class="value" x={middle} y={roundToTenth(base - height - 5)} text-anchor="middle">
                {short(value)}
              </text>
            )}
            <text x={middle} y={base + 15} text-anchor="middle">
              {label}
            </text>
          </>
        )
      })}
      <line class="axis" x1="0" x2={WIDTH} y1={base} y2={base} />
    </Figure>
  )
}

/** A tenth of a unit is finer than any screen shows, and its text is shorter than that of a float. */
export function roundToTenth(value: number): number {
  return Math.round(value * 10) / 10
}
