import { isLive } from '../../schema/conditions.ts'
import { sql } from '../../schema/sql.ts'
import { decimal, nullable, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { isAmong } from './fragments.ts'

/** Reads the live entries among `keys`, for `getMany` and for gets of one tick. */
export const read = operation({
  name: 'read_many',
  repeatable: 'always',
  rows: 'any number',
  columns: { key: text, value: nullable(text), number: nullable(decimal) },
  build(tables) {
    const { key, value, number } = tables.entries
    return {
      select: { key, value, number },
      from: sql`${tables.entries} where ${isAmong(key, 'keys')} and ${isLive(tables)}`,
    }
  },
})
