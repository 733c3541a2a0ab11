import { drizzle } from 'drizzle-orm/node-postgres'
import { devalueCodec, memoryCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { createPosts } from '../../docs/snippets/codecs/devalue.ts'
import { superjsonCodec } from '../../docs/snippets/codecs/superjson.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

const RICH = {
  at: new Date(0),
  big: 12n,
  nothing: undefined,
  none: null,
  map: new Map<unknown, unknown>([['a', new Set([1, 2])]]),
  nan: Number.NaN,
  text: 'a\0b\u2028</script>',
}

describe.each([
  ['devalue', devalueCodec],
  ['superjson', superjsonCodec],
])('the codec with %s', (_, codec) => {
  it('returns the values that JSON loses', async () => {
    const cache = memoryCache({ codec })
    await cache.set('key', RICH)
    expect(await cache.get('key')).toEqual(RICH)
    await cache.set('date', new Date(5))
    expect(await cache.get('date')).toEqual(new Date(5))
    expect(await cache.getOrSet('big', () => 5n)).toBe(5n)
  })

  it('leaves numbers and null to the cache', async () => {
    const cache = memoryCache({ codec })
    await cache.setMany({ n: 5, none: null })
    expect([await cache.increment('n'), await cache.get('none')]).toEqual([6, null])
  })
})

it('the documented cache of posts returns Dates and Sets, computed and found', async () => {
  const db = drizzle(createPool(await createDatabase()))
  await migrate(db)
  let loads = 0
  const post = createPosts(db, async () => {
    loads++
    return { title: 'One', published: new Date(0), tags: new Set(['a']) }
  })
  const expected = { title: 'One', published: new Date(0), tags: new Set(['a']) }
  expect([await post(1), await post(1), loads]).toEqual([expected, expected, 1])
})
