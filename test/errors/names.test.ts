import { inspect } from 'node:util'
import { build } from 'esbuild'
import * as sources from 'pgstash'
import { LocalNeonError } from 'pgstash/dev'
import { describe, expect, it } from 'vitest'

type ErrorClass = new (...args: never[]) => sources.CacheError
type Errors = Record<string, ErrorClass>

/** A copy of the package's errors as a bundler minifies it: every class has another name. */
async function minifiedErrors(): Promise<Errors> {
  const { outputFiles } = await build({
    stdin: {
      contents: "export * from './values/errors.ts'; export * from './dev/local-neon-error.ts'",
      resolveDir: `${import.meta.dirname}/../../src`,
    },
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: 'es2022',
    tsconfigRaw: {},
  })
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? '')}`)
}

const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === 'function' && (value === sources.CacheError || value.prototype instanceof sources.CacheError)

const OWN = Object.entries<unknown>({ ...sources, LocalNeonError }).flatMap(([name, value]): [string, ErrorClass][] =>
  isErrorClass(value) ? [[name, value]] : [],
)
const minified = await minifiedErrors()
const made = (type: ErrorClass | undefined): sources.CacheError => {
  if (type === undefined) throw new TypeError('Expected the bundle to export the class.')
  return Reflect.construct(type, [['text'], 'text'])
}

describe('a minified bundle', () => {
  it('renames the classes, otherwise this file would prove nothing', () => {
    expect(OWN.length).toBeGreaterThan(15)
    expect(OWN.filter(([name]) => minified[name]?.name === name)).toEqual([])
  })

  it.each(OWN)('keeps the error name %s', (name) => {
    const error = made(minified[name])
    expect(error.name).toBe(name)
    expect(String(error)).toMatch(new RegExp(`^${name}: `))
    expect(error.stack).toMatch(new RegExp(`^${name}: `))
    expect(inspect(error)).toContain(name)
  })
})

describe('an error of another copy of the package', () => {
  it.each(OWN)('is an instance of this copy’s %s, and of no sibling', (name, type) => {
    const error = made(minified[name])
    expect(error).toBeInstanceOf(type)
    expect(error).toBeInstanceOf(sources.CacheError)
    for (const [other, sibling] of OWN) {
      if (other !== name && sibling !== sources.CacheError) expect(error).not.toBeInstanceOf(sibling)
    }
  })

  it('is not an instance of a subclass that a program declares', () => {
    class ShopError extends sources.DatabaseError {}
    expect(made(minified.DatabaseError)).not.toBeInstanceOf(ShopError)
    expect(new ShopError('The shop is closed.')).toBeInstanceOf(sources.DatabaseError)
    expect(new ShopError('The shop is closed.')).toBeInstanceOf(minified.DatabaseError)
  })
})

it('other values are instances of no error class', () => {
  for (const value of [new Error('no'), { code: 'DATABASE', name: 'DatabaseError' }, null, undefined, 'text', 1]) {
    expect(value instanceof sources.CacheError).toBe(false)
    expect(value instanceof sources.DatabaseError).toBe(false)
  }
})

it('an error without its own class has the name of the base class', () => {
  const error = new sources.CacheError('DATABASE', 'The database is closed.')
  expect(error.name).toBe('CacheError')
  expect(error).not.toBeInstanceOf(sources.DatabaseError)
})
