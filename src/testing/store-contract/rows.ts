import type { Row } from '../../store/store.ts'
import { claimed, claiming, fieldsOf, filled, item, MINUTE, PAST, type StoreSuite, writing } from './suite.ts'

/** Rows as reads answer with them, and how many of them writes keep. */
export function rows({ describe, test, expect, advance }: StoreSuite): void {
  describe('rows', () => {
    test('returned by one readMany are the live ones by stored key, including null values', async (store) => {
      await store.write([item('null', null), item('text', '"text"')], writing())
      await store.write([{ key: 'number', value: null, number: '1.5' }], writing({ tags: ['kept'] }))
      await store.write([item('expired')], writing({ deadline: PAST }))
      await store.write([item('invalidated')], writing({ tags: ['tag'] }))
      await store.invalidate(['tag'])
      const { value } = await store.readMany(['expired', 'invalidated', 'missing', 'null', 'number', 'text'])
      const found = Array.from(value, ([key, row]) => [key, fieldsOf(row)])
      expect(Object.fromEntries(found)).toEqual({
        null: { value: null, number: null },
        number: { value: null, number: '1.5' },
        text: { value: '"text"', number: null },
      })
    })

    test('have all fields that a copy needs, if the caller keeps one', async (store) => {
      await store.write([item('forever')], writing())
      await store.write([item('minute')], writing({ deadline: MINUTE, tags: ['b', 'a'] }))
      await filled(store, { key: 'filled', deadline: MINUTE, staleMs: 60_000, tags: ['a'] })
      const copies = async (key: string): Promise<(Row | undefined)[]> => [
        (await store.read(key, { forCopy: true })).value,
        (await store.readMany([key], { forCopy: true })).value.get(key),
        (await store.readOrClaim(claiming({ key, forCopy: true }))).value.entry,
      ]
      for (const row of await copies('forever')) {
        expect(row).toMatchObject({ remainingMs: Number.POSITIVE_INFINITY, tags: null })
      }
      for (const row of await copies('minute')) {
        expect([...(row?.tags ?? [])].sort()).toEqual(['a', 'b'])
        expect(row?.remainingMs).toBeGreaterThan(40_000)
        expect(row?.remainingMs).toBeLessThanOrEqual(60_000)
      }
      for (const row of await copies('filled')) {
        expect(row?.tags).toEqual(['a'])
        expect(row?.remainingMs).toBeLessThanOrEqual(60_000)
      }
    })

    test('are new objects once the value changes, so that properties set on the old ones are gone', async (store) => {
      for (const change of [
        () => store.write([item('key', '"newer"')], writing()),
        async () => store.fill({ ...fill, token: await claimed(store, { force: true }) }),
      ]) {
        await store.write([item('key', '"older"')], writing())
        const row = (await store.read('key')).value
        if (row !== undefined) row.decoded = 'older'
        await change()
        const next = (await store.read('key')).value
        expect(next?.value).toBe('"newer"')
        expect(next?.decoded).toBe(undefined)
      }
    })

    test('returned synchronously are live, and equal those of every other read', async (store) => {
      const readLocal = (key: string) => store.readLocal?.(key)
      await store.write([item('key', '"older"')], writing({ tags: ['tag'] }))
      await store.read('key')
      await store.write([item('key', '"newer"')], writing({ tags: ['tag'] }))
      expect([undefined, '"newer"'].includes(readLocal('key')?.value ?? undefined)).toBe(true)
      await store.invalidate(['tag'])
      expect(readLocal('key')).toBe(undefined)
      await store.write([item('removed'), item('short')], writing({ deadline: MINUTE }))
      await store.readMany(['removed', 'short'])
      await store.remove(['removed'])
      await advance(60_000)
      expect([readLocal('removed'), readLocal('short'), readLocal('missing')]).toEqual([
        undefined,
        undefined,
        undefined,
      ])
    })

    test('slide no further than the maximum age that the reader allows', async (store) => {
      await store.write([item('key')], writing({ deadline: MINUTE }))
      await advance(30_000)
      const sliding = { ttlMs: 60_000, lifeMs: 75_000, maxAgeMs: 70_000 }
      expect((await store.read('key', { sliding })).value?.value).toBe('"written"')
      await advance(35_000)
      expect((await store.has('key')).value).toBe(true)
      await advance(5_000)
      expect((await store.has('key')).value).toBe(false)
    })

    test('are counted by the writes that keep them', async (store) => {
      expect((await store.write([item('a'), item('b'), item('c')], writing())).value).toBe(3)
      expect((await store.write([item('a')], writing())).value).toBe(1)
    })
  })
}

const fill = {
  key: 'key',
  value: '"newer"',
  number: null,
  deadline: { kind: 'never' },
  maxAgeMs: null,
  staleMs: 0,
  tags: null,
  asOf: null,
  computeMs: 0,
} as const
