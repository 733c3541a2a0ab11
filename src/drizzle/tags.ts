/** placeholder until merge */
import type { Table } from 'drizzle-orm'
import { drizzleName } from './table-names.ts'
export function tableTag(table: Table | string): string {
  const name = drizzleName(table)
  return `table:${name.includes('.') ? name : `public.${name}`}`
}
