import { eq } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import { live } from '../../schema/index.ts'
import { decimal, nullable, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { param } from './fragments.ts'

/**
 * Reads the live entry of one key.
 *
 * It is separate from {@link read}, because Postgres keeps the plan of this statement. A statement with an array of
 * unknown length is planned at each call. Over TCP, planning takes a third of a hit's time.
 */
export const readOne = operation({
  name: 'read_one',
  repeatable: 'always',
  rows: 'at most one',
  prefersRoutine: true,
  columns: { value: nullable(text), number: nullable(decimal) },
  build(db, tables, answer) {
    const { key, value, number } = tables.entries
    return answer(db, { value, number })
      .from(tables.entries)
      .where(allOf(eq(key, param('key')), live(tables)))
  },
})
