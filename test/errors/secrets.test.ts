import { inspect } from 'node:util'
import { neon } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache, encryptingCodec, InvalidOptionError } from 'pgstash'
import { basic, bearer } from 'pgstash/admin'
import { cronRoute } from 'pgstash/cron'
import { purgeRoute } from 'pgstash/hono'
import { describe, expect, it } from 'vitest'

const cache = createCache(drizzle(neon('postgresql://user:password@localhost:1/none')))
/** Every function of the package that takes a secret. */
const TAKERS: [string, (secret: never) => unknown][] = [
  // The route decides when it refuses a missing secret: at the first request at the latest.
  ['cronRoute', (secret) => cronRoute(cache, { secret })],
  ['basic', (password) => basic({ user: 'ada', password })],
  ['bearer', (secret) => bearer(secret)],
  ['purgeRoute', (secret) => purgeRoute({ cache, secret })],
]

describe.each(TAKERS)('the secret of %s', (name, take) => {
  it.each<[string, unknown]>([
    ['one character', 'x'],
    ['fifteen characters', 'x7K2m9Q4v1Z8p3W'],
    ['sixteen, some of them invisible', 'x7K2m9Q4v1Z8   W'],
    ['sixteen that are all invisible', '\u200b'.repeat(16)],
    ['sixteen spaces', ' '.repeat(16)],
    ['a line break at its end', 'x7K2m9Q4v1Z8p3WqA\n'],
    ['a space at its beginning', ' x7K2m9Q4v1Z8p3WqA'],
    ['a control character', 'x7K2m9Q4\u00011Z8p3WqAb'],
    ['a number', 1234567890123456],
    ['an object', { length: 20 }],
  ])('is refused, and not shown: %s', (which, secret) => {
    // A route may be created before its variable is set: it admits nobody, and reports that at each request.
    if (which === 'sixteen spaces' && /Route$/.test(name)) return expect(() => take(secret as never)).not.toThrow()
    let error: unknown
    try {
      take(secret as never)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(inspect(error)).toMatch(/Expected (?:secret|password) to have at least 16 visible characters, got /)
    expect(inspect(error)).not.toMatch(/x7K2|1234567890123456/)
  })

  it('may be sixteen visible characters', () => {
    take('x7K2m9Q4v1Z8p3Wq' as never)
  })
})

it('a secret that no header can carry is refused if it must be sent in one', () => {
  expect(() => cronRoute(cache, { secret: 'pässwörd-of-sixteen' })).toThrow('only characters of ASCII')
  expect(() => bearer('with spaces, and sixteen')).toThrow('only letters, digits and')
})

it('a key whose bytes are all equal is refused', () => {
  for (const key of [new Uint8Array(32), new Uint8Array(32).fill(7), Buffer.alloc(32).toString('base64')]) {
    expect(() => encryptingCodec({ keys: { k: key } })).toThrow('got one whose bytes are all the same')
  }
})
