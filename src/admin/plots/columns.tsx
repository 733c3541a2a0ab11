/** A distribution: a column for each class, with its number on top. */
import { count, short } from '../format.ts'
import { Figure, WIDTH } from './figure.tsx'

export interface Column {
  readonly label: string
  readonly value: number
  /** A class of the style sheet: what kind of column it is. */
  readonly kind: 'fill' | 'good' | 'calm'
}

export interface ColumnsProps {
  readonly id: string
  readonly title: string
  readonly summary: string
  /** Of the classes, in the table. */
  readonly heading: string
  readonly columns: readonly Column[]
}

const TOP = 18
const PLOT_HEIGHT = 120
const LABELS = 22
/** Of a column's place, between two. */
const GAP_SHARE = 0.22
/** What is there is to be seen, however little it is. */
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
        const middle = rounded(place * (i + 0.5))
        return (
          <>
            <rect
              class={kind}
              x={rounded(place * (i + GAP_SHARE / 2))}
              y={rounded(base - height)}
              width={rounded(place * (1 - GAP_SHARE))}
              height={rounded(height)}
              rx="2"
            />
            {value > 0 && (
              <text class="value" x={middle} y={rounded(base - height - 5)} text-anchor="middle">
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

/** A tenth of a unit is finer than any screen, and shorter than a float. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
