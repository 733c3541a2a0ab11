/** Every operation of the store has a routine. */
import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Operation } from '../../../src/postgres/operation.ts'
import { ROUTINE_PARAMETERS } from '../../../src/postgres/routines/generated.ts'
import { operationsWithRoutine, usualOf } from '../../../src/postgres/routines/routine-set.ts'

const FOLDERS = ['operations', 'responses'].map((name) => new URL(`../../../src/postgres/${name}/`, import.meta.url))

function isOperation(value: object): value is Operation<never> {
  return ['name', 'repeatable', 'rows', 'columns', 'build'].every((field) => field in value)
}

/** All operations in a value, including those in objects such as `{ everything, range }`. */
function operationsIn(value: unknown): Operation<never>[] {
  if (typeof value !== 'object' || value === null) return []
  return isOperation(value) ? [value] : Object.values(value).flatMap(operationsIn)
}

async function declared(): Promise<Operation<never>[]> {
  const files = FOLDERS.flatMap((folder) => readdirSync(folder).map((name) => new URL(name, folder).href))
  const modules = await Promise.all(files.map((file) => import(file)))
  return modules.flatMap((module) => operationsIn({ ...module }))
}

it('the list has every operation that a file of operations or responses exports', async () => {
  const names = (await declared()).map(({ name }) => name)
  expect(names.length).toBeGreaterThan(50)
  expect([...new Set(names)].sort()).toEqual(operationsWithRoutine.map(({ name }) => name).sort())
  expect(Object.keys(ROUTINE_PARAMETERS).sort()).toEqual([...new Set(names)].sort())
})

it('the search finds operations wherever an export holds them', async () => {
  const [one] = await declared()
  expect(operationsIn({ a: one, b: { everything: one, list: [one] }, c: 1, d: null, e: () => one })).toEqual([
    one,
    one,
    one,
  ])
})

it('every operation has a name of lower-case words', () => {
  for (const { name } of operationsWithRoutine) expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/)
})

it('all drivers call every routine that has simpler statements for usual cases', () => {
  const usual = operationsWithRoutine.filter((operation) => usualOf(operation).length > 0)
  expect(usual.length).toBeGreaterThan(8)
  expect(usual.filter(({ prefersRoutine }) => prefersRoutine !== true)).toEqual([])
})
