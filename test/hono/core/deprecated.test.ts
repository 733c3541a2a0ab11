import { neon } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache, InvalidOptionError } from 'pgstash'
import * as hono from 'pgstash/hono'
import { describe, expect, it } from 'vitest'
import { renameOptions } from '../../../src/hono/deprecated.ts'
import { parseOptions } from '../../../src/response-cache/options.ts'

const cache = createCache(drizzle(neon('postgres://user:password@localhost/none')))

/** Each old name, its new name, and two values that differ from the default. */
const RENAMED: [string, string, unknown, unknown][] = [
  ['statusHeader', 'cacheStatus', 'edge', false],
  ['keepValidatable', 'keepForRevalidation', '1h', false],
  ['staleDespiteSMaxAge', 'allowStaleWithSMaxAge', true, false],
  ['setCookie', 'storeSetCookie', true, false],
  ['targeted', 'targetedFields', ['my-cache-control'], []],
]

function settings(options: object) {
  const { policy, validatableMs, cacheStatusName } = parseOptions({ cache: () => cache, ...renameOptions(options) })
  return { policy, validatableMs, cacheStatusName }
}

describe.each(RENAMED)('the deprecated option %s', (oldName, newName, value, other) => {
  it(`works like ${newName}`, () => {
    expect(settings({ [oldName]: value })).toEqual(settings({ [newName]: value }))
    expect(settings({ [oldName]: value })).not.toEqual(settings({}))
  })

  it('is refused together with the new name', () => {
    const both = () => hono.responseCache({ cache, [oldName]: value, [newName]: other })
    expect(both).toThrow(InvalidOptionError)
    expect(both).toThrow(`Expected only ${newName}, got its old name ${oldName} too. Remove ${oldName}.`)
  })

  it('is ignored if its value is undefined', () => {
    expect(settings({ [oldName]: undefined, [newName]: value })).toEqual(settings({ [newName]: value }))
  })

  it('is not listed among the options', () => {
    const unknown = () => hono.responseCache({ cache, qqqqqqqq: 1 } as never)
    expect(unknown).toThrow(newName)
    expect(unknown).not.toThrow(`${oldName},`)
  })

  it('stays unchanged in the object of the caller', () => {
    const options = Object.freeze({ cache, [oldName]: value })
    hono.responseCache(options)
    expect(Object.keys(options)).toEqual(['cache', oldName])
  })
})

describe('the deprecated function purging', () => {
  it('is the same function as purgeStatements', () => {
    expect(hono.purging).toBe(hono.purgeStatements)
  })
})
