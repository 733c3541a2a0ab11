/** The frame of a plot: its title, a summary in words, and its data as a table. */
import type { Child } from 'hono/jsx'

export interface FigureProps {
  /** Unique on the page. */
  readonly id: string
  readonly title: string
  /** A sentence about the plot. Readers who cannot see the plot get only this sentence. */
  readonly summary: string
  readonly height: number
  /** Undefined if several plots share one table. */
  readonly table?: DataTable
  /** Appears between the summary and the plot. */
  readonly legend?: Child
  readonly children?: Child
}

export interface DataTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The width of a plot in SVG units. The browser scales it to the available width. */
export const WIDTH = 480

export const Figure = ({ id, title, summary, height, table, legend, children }: FigureProps) => (
  <figure>
    <figcaption>
      <h2>{title}</h2>
      <p>
        {summary}
        {legend}
      </p>
    </figcaption>
    <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-labelledby={`${id}-t ${id}-d`}>
      <title id={`${id}-t`}>{title}</title>
      <desc id={`${id}-d`}>{summary}</desc>
      {children}
    </svg>
    {table !== undefined && (
      <details>
        <summary>{title} as a table</summary>
        <Data {...table} />
      </details>
    )}
  </figure>
)

export const Data = ({ columns, rows }: DataTable) => (
  <div class="scroll">
    <table class="data">
      <thead>
        <tr>
          {columns.map((column) => (
            <th scope="col">{column}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([head, ...cells]) => (
          <tr>
            <th scope="row">{head}</th>
            {cells.map((cell) => (
              <td>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)
