import { isLive } from '../../schema/conditions.ts'
import { sql } from '../../schema/sql.ts'
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
  build(tables) {
    const { key, value, number } = tables.entries
    return {
      select: { value, number },
      from: sql`${tables.entries} where ${key} = ${param('key')} and ${isLive(tables)}`,
    }
  },
})
