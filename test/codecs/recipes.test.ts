import { memoryCache } from 'pgstash'
import { describe, expect, it } from 'vitest'
import { devalueCodec } from '../../docs/snippets/codecs/devalue.ts'
import { superjsonCodec } from '../../docs/snippets/codecs/superjson.ts'

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
])('the recipe with %s', (_, codec) => {
  it('brings back what JSON loses', async () => {
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

it('devalue brings back cycles', async () => {
  const cache = memoryCache({ codec: devalueCodec })
  const node: { self?: unknown } = {}
  node.self = node
  await cache.set('key', node)
  const found = await cache.get<typeof node>('key')
  expect(found?.self).toBe(found)
})
