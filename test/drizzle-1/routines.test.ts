import { defaultTables } from 'pgstash/schema'
import { expect, it } from 'vitest'
import { ROUTINE_PARAMETERS, ROUTINE_VERSION } from '../../src/postgres/routines/generated.ts'
import { compileRoutines, versionOf } from '../../src/postgres/routines/routine-set.ts'
import { namesOf } from '../../src/schema/table-names.ts'

it('both versions of Drizzle compile the same routines, so that migrations with either version agree', () => {
  const routines = compileRoutines(namesOf(defaultTables)).sort((a, b) => (a.name < b.name ? -1 : 1))
  expect(Object.fromEntries(routines.map(({ name, parameters }) => [name, parameters.join(' ')]))).toEqual(
    ROUTINE_PARAMETERS,
  )
  expect(versionOf(routines)).toBe(ROUTINE_VERSION)
})
