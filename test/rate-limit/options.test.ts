import type { Cache } from 'pgstash'
import { addressKey, type RateLimitOptions, rateLimit, rateLimitKey } from 'pgstash/fetch'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Args, createMigratedStash, limited } from './limits.ts'

let cache: Cache
beforeAll(async () => {
  ;({ cache } = await createMigratedStash())
})

const make = (options: object = {}) => limited({ cache, ...(options as Partial<RateLimitOptions<Args>>) })

describe('mistakes in the options', () => {
  const wrong: [string, object, string?][] = [
    ['no cache', { cache: undefined }],
    ['an invalid cache', { cache: {} }],
    ['no limit', { limit: undefined }],
    ['a negative limit', { limit: -1 }],
    ['a limit with a fraction', { limit: 1.5 }],
    ['a limit of infinity', { limit: Number.POSITIVE_INFINITY }],
    ['no period', { period: undefined }, 'InvalidExpirationError'],
    ['a period of zero', { period: 0 }, 'InvalidExpirationError'],
    ['an endless period', { period: null }, 'InvalidExpirationError'],
    ['no key', { key: undefined }],
    ['a key that is not a function', { key: 'client' }],
    ['an empty name', { name: '' }],
    ['a name that would break the headers', { name: 'a"b' }],
    ['a name that would collide with others', { name: 'a:b' }],
    ['a name that is too long', { name: 'x'.repeat(65) }],
    ['a name with a line break', { name: 'a\n' }],
    ['headers of an unknown draft', { headers: 'draft-6' }],
    ['headers set to true', { headers: true }],
    ['a skip that is not a function', { skip: true }],
    ['an onLimit that is not a function', { onLimit: 429 }],
    ['an onError that is not a function', { onError: 'log' }],
    ['a failOpen that is not a boolean', { failOpen: 'no' }],
    ['a timeout of zero', { timeout: 0 }],
    ['a timeout longer than timers allow', { timeout: 2 ** 31 }],
    ['an unknown option', { windowMs: 60_000 }],
  ]

  it.each(wrong)('are refused at once: %s', (_name, options, error = 'InvalidOptionError') => {
    expect(() => make(options)).toThrow(expect.objectContaining({ name: error }))
  })

  it('are refused at once: no handler', () => {
    for (const handler of [null, {}, new Response()]) {
      expect(() => limited({ cache }, handler as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    }
  })

  it('are refused at once: no options', () => {
    for (const options of [undefined, null, 5]) {
      expect(() => rateLimit(() => new Response(), options as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      )
    }
  })

  it.each<[string, object, string]>([
    ['a key that is not a string', { key: () => undefined }, 'InvalidKeyError'],
    ['a key that is not an address', { key: () => addressKey(undefined) }, 'InvalidKeyError'],
    ['a limit that is not a number', { limit: () => undefined }, 'InvalidOptionError'],
    ['an onLimit that returns nothing', { limit: 0, onLimit: () => {} }, 'InvalidOptionError'],
    ['a cache that is not found', { cache: () => undefined }, 'InvalidOptionError'],
  ])('are thrown in a request even with failOpen: %s', async (_name, options, error) => {
    await expect(make(options).request('/')).rejects.toMatchObject({ name: error })
  })

  it('are thrown if they concern the stored value', async () => {
    await cache.set(rateLimitKey('two', 'client'), 'text')
    await expect(make().request('/')).rejects.toMatchObject({ name: 'NotANumberError' })
  })
})
