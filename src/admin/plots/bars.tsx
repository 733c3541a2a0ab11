/** A plot of amounts by name: a table with a bar in each row, so that it needs no second form for screen readers. */
import type { Child } from 'hono/jsx'
import { roundToTenth } from './columns.tsx'

export interface Bar {
  readonly name: Child
  readonly value: number
  /** The texts after the bar, in the order of the columns. */
  readonly cells: readonly string[]
}

export interface BarsProps {
  readonly title: string
  readonly summary: string
  /** The headings of the name and of the cells. */
  readonly columns: readonly [string, ...string[]]
  readonly bars: readonly Bar[]
  readonly kind: 'fill' | 'miss'
}

export const Bars = ({ title, summary, columns: [head, ...columns], bars, kind }: BarsProps) => {
  const largest = Math.max(1, ...bars.map(({ value }) => value))
  return (
    <figure>
      <figcaption>
        <h2>{title}</h2>
        <p>{summary}</p>
      </figcaption>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">{head}</th>
              <td />
              {columns.map((column) => (
                <th scope="col" class="n">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {bars.map(({ name, value, cells }) => (
              <tr>
                <th scope="row" class="name">
                  {name}
                </th>
                <td class="bar">
                  <svg viewBox="0 0 100 6" preserveAspectRatio="none" height="12" aria-hidden="true">
                    <rect class={kind} width={roundToTenth(Math.max(0.5, (100 * value) / largest))} height="6" rx="1" />
                  </svg>
                </td>
                {cells.map((cell) => (
                  <td class="n">{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  )
}
