/** Random JSON values with hostile keys, and readers that modify every value they get. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect } from 'vitest'

const HOSTILE_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  'toString',
  'toJSON',
  'then',
  'length',
  'decoded',
  'value',
  '',
  '0',
  '10',
  '9',
  '-1',
  '01',
  '4294967295',
  '1e3',
  'a b',
  'é',
  '\ud800',
  '\0',
]

const keys = fc.oneof(fc.constantFrom(...HOSTILE_KEYS), fc.string({ maxLength: 3, unit: 'binary' }))
const primitives = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ minLength: 20, maxLength: 60 }),
  fc.constantFrom('"', '\\', '{}', 'null', '__proto__', '\u2028', '\ud800'),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
)

/** Values as `JSON.parse` creates them. */
export const jsonValues: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small', withCrossShrink: true },
    primitives,
    fc.array(tie('value'), { maxLength: 6 }),
    // Fields are defined, not assigned, so that `__proto__` becomes a field.
    fc.array(fc.tuple(keys, tie('value')), { maxLength: 6 }).map((fields) => Object.fromEntries(fields)),
  ),
})).value

/** Equal as JSON, for values whose fields may have any names. */
export function parsed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** Equal in every field, the order of fields, the sign of zeros, and the prototypes. */
export function expectSame(found: unknown, expected: unknown): void {
  expect(JSON.stringify(found)).toBe(JSON.stringify(expected))
  expect(isDeepStrictEqual(found, expected)).toBe(true)
  expect(containersIn(found).filter((each) => !isAsParsed(each))).toEqual([])
}

/** True if a program can change every part of it, as with a result of `JSON.parse`. */
function isAsParsed(container: object): boolean {
  const isArray = Array.isArray(container)
  if (Object.getPrototypeOf(container) !== (isArray ? Array.prototype : Object.prototype)) return false
  const fields = Object.entries(Object.getOwnPropertyDescriptors(container))
  const areOpen = fields.every(
    ([name, { writable, enumerable, configurable }]) =>
      writable && ((enumerable && configurable) || (isArray && name === 'length')),
  )
  return areOpen && Object.isExtensible(container)
}

/** Returns every object and array in a value. */
export function containersIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(containersIn)]
}

/** Changes everything that can be changed: fields, items, and prototypes. */
export function damage(value: unknown): void {
  for (const each of containersIn(value)) {
    for (const name of Object.keys(each)) Reflect.defineProperty(each, name, { value: 'damaged', writable: true })
    if (Array.isArray(each)) each.push('damaged')
    Reflect.defineProperty(each, 'more', { value: 'damaged', enumerable: true })
    Object.setPrototypeOf(each, { damaged: true })
    Object.freeze(each)
  }
}

/** Fails if the two values share an object or array. */
export function expectApart(first: unknown, second: unknown): void {
  const own = new Set(containersIn(first))
  expect(containersIn(second).filter((each) => own.has(each))).toEqual([])
}
