import { WIDTH } from './figure.tsx'

/** The line below a plot over time, with labels for the first, the middle and the last step. */
export const TimeAxis = ({ times, y }: { times: readonly string[]; y: number }) => (
  <>
    <line class="axis" x1="0" x2={WIDTH} y1={y} y2={y} />
    <text x="0" y={y + 15}>
      {times[0]}
    </text>
    <text x={WIDTH / 2} y={y + 15} text-anchor="middle">
      {times[Math.floor(times.length / 2)]}
    </text>
    <text x={WIDTH} y={y + 15} text-anchor="end">
      {times.at(-1)}
    </text>
  </>
)
