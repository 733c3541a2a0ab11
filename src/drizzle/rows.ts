/** What a driver answered, as text and back: Date, bigint, bytes and whatever else a driver makes of a column. */
import { parse, stringify } from 'devalue'

/** Rows of a select. Drivers answer with them in an array, or in an object that has more which no one needs again. */
export type DriverResult = readonly unknown[] | { readonly rows: readonly unknown[] }

/** @throws where a row holds what has no text, such as an object of a class of its own */
export function rowsText(response: unknown): string {
  const isBare = Array.isArray(response)
  const rows: unknown = isBare ? [...response] : Reflect.get(Object(response), 'rows')
  if (!Array.isArray(rows)) throw new TypeError('The driver answered with no rows.')
  return stringify({ isBare, rows })
}

/** The inverse; a result of the caller's own at each call. @throws where the text is none of {@link rowsText} */
export function rowsOf(text: string): DriverResult {
  const { isBare, rows } = parse(text) as { isBare: boolean; rows: unknown[] }
  for (const row of rows) withBuffers(row)
  return isBare ? rows : { rows }
}

/** Values of any kind, told apart by their types: `1` is not `'1'`. @throws as {@link rowsText} */
export function valuesText(values: unknown): string {
  return stringify(values)
}

/** The inverse. */
export function valuesOf(text: string): unknown {
  return parse(text)
}

/** Drivers on Node answer with a Buffer, and columns' mappers use what only a Buffer has. */
function withBuffers(row: unknown): void {
  if (typeof row !== 'object' || row === null || typeof Buffer === 'undefined') return
  for (const [column, cell] of Object.entries(row)) {
    if (cell instanceof Uint8Array) Reflect.set(row, column, Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength))
  }
}
