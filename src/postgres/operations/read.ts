import { allOf } from '../../schema/all-of.ts'
import { live } from '../../schema/index.ts'
import { decimal, nullable, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { isAmong } from './fragments.ts'

/** Reads the live entries among `keys`, for `getMany` and for gets of one tick. */
export const read = operation({
  name: 'read_many',
  repeatable: 'always',
  rows: 'any number',
  columns: { key: text, value: nullable(text), number: nullable(decimal) },
  build(db, tables, answer) {
    const { key, value, number } = tables.entries
    return answer(db, { key, value, number })
      .from(tables.entries)
      .where(allOf(isAmong(key, 'keys'), live(tables)))
  },
})
