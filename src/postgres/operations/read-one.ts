import { eq } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import { live } from '../../schema/index.ts'
import { decimal, nullable, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { param } from './fragments.ts'

/**
 * The live entry of one key.
 *
 * Separate from {@link read}, because Postgres keeps the plan of this statement, and plans one with an array of unknown
 * length at each call. Over TCP that is a third of a hit's time.
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
