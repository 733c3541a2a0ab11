import type { Row } from '../../store/store.ts'
import {
  claimLease,
  claimRequest,
  fieldsOf,
  fillKey,
  item,
  MINUTE,
  PAST,
  type StoreSuite,
  writeInput,
} from './suite.ts'

/** The rows that reads return, and the numbers of rows that writes report. */
export function rows({ describe, test, expect, advance }: StoreSuite): void {
  describe('rows', () => {
    test('from readMany are the live ones by stored key, including null values', async (store) => {
      await store.write([item('null', null), item('text', '"text"')], writeInput())
      await store.write([{ key: 'number', value: null, number: '1.5' }], writeInput({ tags: ['kept'] }))
      await store.write([item('expired')], writeInput({ deadline: PAST }))
      await store.write([item('invalidated')], writeInput({ tags: ['tag'] }))
      await store.invalidate(['tag'])
      const { value } = await store.readMany(['expired', 'invalidated', 'missing', 'null', 'number', 'text'])
      const found = Array.from(value, ([key, row]) => [key, fieldsOf(row)])
      expect(Object.fromEntries(found)).toEqual({
        null: { value: null, number: null },
        number: { value: null, number: '1.5' },
        text: { value: '"text"', number: null },
      })
    })

    test('have the fields that a copy needs, if the caller keeps one', async (store) => {
      await store.write([item('forever')], writeInput())
      await store.write([item('minute')], writeInput({ deadline: MINUTE, tags: ['b', 'a'] }))
      await fillKey(store, { key: 'filled', deadline: MINUTE, staleMs: 60_000, tags: ['a'] })
      const copies = async (key: string): Promise<(Row | undefined)[]> => [
        (await store.read(key, { forCopy: true })).value,
        (await store.readMany([key], { forCopy: true })).value.get(key),
        (await store.readOrClaim(claimRequest({ key, forCopy: true }))).value.entry,
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

    test('are new objects after the value changes, without the notes on the old ones', async (store) => {
      for (const change of [
        () => store.write([item('key', '"newer"')], writeInput()),
        async () => store.fill({ ...fill, token: await claimLease(store, { force: true }) }),
      ]) {
        await store.write([item('key', '"older"')], writeInput())
        const row = (await store.read('key')).value
        if (row !== undefined) row.decoded = 'older'
        await change()
        const next = (await store.read('key')).value
        expect(next?.value).toBe('"newer"')
        expect(next?.decoded).toBe(undefined)
      }
    })

    test('from readLocal are live, and match every other read', async (store) => {
      const readLocal = (key: string) => store.readLocal?.(key)
      await store.write([item('key', '"older"')], writeInput({ tags: ['tag'] }))
      await store.read('key')
      await store.write([item('key', '"newer"')], writeInput({ tags: ['tag'] }))
      expect([undefined, '"newer"'].includes(readLocal('key')?.value ?? undefined)).toBe(true)
      await store.invalidate(['tag'])
      expect(readLocal('key')).toBe(undefined)
      await store.write([item('removed'), item('short')], writeInput({ deadline: MINUTE }))
      await store.readMany(['removed', 'short'])
      await store.remove(['removed'])
      await advance(60_000)
      expect([readLocal('removed'), readLocal('short'), readLocal('missing')]).toEqual([
        undefined,
        undefined,
        undefined,
      ])
    })

    test('slide no further than the greatest age that the reader allows', async (store) => {
      await store.write([item('key')], writeInput({ deadline: MINUTE }))
      await advance(30_000)
      const sliding = { ttlMs: 60_000, lifeMs: 75_000, maxAgeMs: 85_000 }
      expect((await store.read('key', { sliding })).value?.value).toBe('"written"')
      await advance(35_000)
      expect((await store.has('key')).value).toBe(true)
      await advance(20_000)
      expect((await store.has('key')).value).toBe(false)
    })

    test('are counted by the write that stores them', async (store) => {
      expect((await store.write([item('a'), item('b'), item('c')], writeInput())).value).toBe(3)
      expect((await store.write([item('a')], writeInput())).value).toBe(1)
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
