/** A plot of a share over time. The line has gaps at steps without data. */
import { roundToTenth } from './columns.tsx'
import { Figure, WIDTH } from './figure.tsx'
import { TimeAxis } from './time-axis.tsx'

export interface RateProps {
  readonly id: string
  readonly title: string
  readonly summary: string
  readonly times: readonly string[]
  /** From 0 to 1; undefined for a step without reads. */
  readonly values: readonly (number | undefined)[]
}

const TOP = 16
const PLOT_HEIGHT = 110
const LABELS = 22
const LEVELS = [1, 0.5, 0] as const

interface Point {
  readonly x: number
  readonly y: number
}

export const RatePlot = ({ id, title, summary, times, values }: RateProps) => {
  const place = WIDTH / times.length
  const yOf = (value: number) => roundToTenth(TOP + PLOT_HEIGHT * (1 - value))
  const points = values.map((value, i) => value !== undefined && { x: roundToTenth(place * (i + 0.5)), y: yOf(value) })
  return (
    <Figure id={id} title={title} summary={summary} height={TOP + PLOT_HEIGHT + LABELS}>
      {LEVELS.map((level) => (
        <>
          <line class="axis" x1="0" x2={WIDTH} y1={yOf(level)} y2={yOf(level)} />
          {level > 0 && (
            <text x="0" y={yOf(level) - 4}>
              {100 * level} %
            </text>
          )}
        </>
      ))}
      {runs(points).map((run) =>
        run.length === 1 ? (
          <circle class="dot" cx={run[0]?.x} cy={run[0]?.y} r="2.5" />
        ) : (
          <polyline class="line" points={run.map(({ x, y }) => `${x},${y}`).join(' ')} />
        ),
      )}
      <TimeAxis times={times} y={TOP + PLOT_HEIGHT} />
    </Figure>
  )
}

/** Groups neighbouring points into lines. A step without a value ends a line. */
function runs(points: readonly (Point | false)[]): Point[][] {
  const found: Point[][] = []
  let isOpen = false
  for (const point of points) {
    if (point === false) isOpen = false
    else if (isOpen) found.at(-1)?.push(point)
    else {
      found.push([point])
      isOpen = true
    }
  }
  return found
}
