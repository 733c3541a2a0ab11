import { defaultTables } from 'pgstash/schema'
import { expect, it } from 'vitest'
import type { Routine } from '../../../src/postgres/routines/routine.ts'
import { compileRoutines, versionOf } from '../../../src/postgres/routines/routine-set.ts'
import { namesOf } from '../../../src/schema/table-names.ts'

function moduleOf(routines: readonly Routine[]): string {
  const sorted = routines.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return `// Generated from the operations by \`npm run routines\`. Do not edit.

/** The version of the statements. A change of any of them changes it. */
export const ROUTINE_VERSION = '${versionOf(sorted)}'

/** The parameters of each routine, in order. */
export const ROUTINE_PARAMETERS: Readonly<Record<string, string>> = {
${sorted.map(({ name, parameters }) => lineOf(name, parameters.join(' '))).join('\n')}
}
`
}

/** Formatted as the formatter does. */
function lineOf(name: string, parameters: string): string {
  const line = `  ${name}: '${parameters}',`
  return line.length <= 120 ? line : `  ${name}:\n    '${parameters}',`
}

it('the generated file lists the parameters of all routines, and the version of their statements', async () => {
  await expect(moduleOf(compileRoutines(namesOf(defaultTables)))).toMatchFileSnapshot(
    '../../../src/postgres/routines/generated.ts',
  )
})

it('every routine has a unique name', () => {
  const names = compileRoutines(namesOf(defaultTables)).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})
