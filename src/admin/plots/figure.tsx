/** The frame of a plot: what it is called, what it says in words, and the same as a table. */
import type { Child } from 'hono/jsx'

export interface FigureProps {
  /** Unique on the page. */
  readonly id: string
  readonly title: string
  /** What is to be seen, in a sentence: all that somebody gets who does not see it. */
  readonly summary: string
  readonly height: number
  /** Undefined where one table is for several plots. */
  readonly table?: DataTable
  /** Stands between the words and the plot. */
  readonly legend?: Child
  readonly children?: Child
}

export interface DataTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Units of a plot's width; it is drawn as wide as there is room. */
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
