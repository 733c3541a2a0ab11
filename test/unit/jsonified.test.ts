/** `tsc` checks the types. These tests compare their promises with the results of the codec. */
import type { JSONValue } from 'hono/utils/types'
import { cached, type Jsonified, jsonCodec, memoryCache, nullCache } from 'pgstash'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type { Bytes } from '../../src/values/bytes.ts'

interface User {
  readonly id: number
  name?: string
  role: 'admin' | 'reader'
  tags: readonly string[]
  place: [latitude: number, longitude: number, label?: string]
  address: { city: string | null }
}
interface Tree {
  name: string
  children: Tree[]
  parent?: Tree
}
type Mutual = string | null | MutualObject | MutualList
type MutualObject = { [name in string]: Mutual } & { [name in string]?: Mutual | undefined }
interface MutualList extends Array<Mutual> {}
type Json = string | number | boolean | null | Json[] | { [name: string]: Json }
// biome-ignore lint/suspicious/noExplicitAny: programs have it, so it is tested
type Anything = any
declare const brand: unique symbol
type UserId = string & { readonly [brand]: 'UserId' }
type Branded = { id: number } & { readonly [brand]: 'Branded' }
class Money {
  constructor(
    readonly amount: number,
    private readonly currency: string,
  ) {}
  text(): string {
    return `${this.amount} ${this.currency}`
  }
}

describe('Jsonified', () => {
  it('leaves plain data unchanged', () => {
    expectTypeOf<Jsonified<User>>().toEqualTypeOf<User>()
    expectTypeOf<Jsonified<User[]>>().toEqualTypeOf<User[]>()
    expectTypeOf<Jsonified<readonly User[]>>().toEqualTypeOf<readonly User[]>()
    expectTypeOf<Jsonified<Record<string, User>>>().toEqualTypeOf<Record<string, User>>()
    expectTypeOf<Jsonified<{ kind: 'a'; a: 1 } | { kind: 'b' } | null | undefined>>().toEqualTypeOf<
      { kind: 'a'; a: 1 } | { kind: 'b' } | null | undefined
    >()
    expectTypeOf<Jsonified<{ any: Anything; unknown: unknown; never: never }>>().toEqualTypeOf<{
      any: Anything
      unknown: unknown
      never: never
    }>()
    expectTypeOf<Jsonified<unknown>>().toEqualTypeOf<unknown>()
    expectTypeOf<Jsonified<object>>().toEqualTypeOf<object>()
    expectTypeOf<Jsonified<Anything>>().toEqualTypeOf<Anything>()
    expectTypeOf<Jsonified<boolean>>().toEqualTypeOf<boolean>()
  })

  it('leaves recursive and branded types assignable in both directions', () => {
    const isSame = <A, B>(_: (a: A) => B, __: (b: B) => A) => true
    expect(
      isSame<Jsonified<Tree>, Tree>(
        (stored) => stored,
        (tree) => tree,
      ) &&
        isSame<Jsonified<Json>, Json>(
          (stored) => stored,
          (json) => json,
        ) &&
        isSame<Jsonified<{ config: MutualObject }>['config'], MutualObject>(
          (stored) => stored,
          (json) => json,
        ) &&
        isSame<Jsonified<{ id: UserId; more: Branded[] }>, { id: UserId; more: Branded[] }>(
          (stored) => stored,
          (value) => value,
        ),
    ).toBe(true)
    // Hono's type allows functions in objects, so only the result must be assignable to it.
    expectTypeOf<Jsonified<JSONValue>>().toExtend<JSONValue>()
  })

  it('is a string for a Date, at any depth', () => {
    expectTypeOf<Jsonified<Date>>().toEqualTypeOf<string>()
    expectTypeOf<Jsonified<{ at?: Date; all: Date[]; one: readonly [Date, number?] } | Date>>().toEqualTypeOf<
      { at?: string; all: string[]; one: readonly [string, number?] } | string
    >()
    expectTypeOf<Jsonified<{ tree: Tree & { at: Date } }>['tree']['at']>().toEqualTypeOf<string>()
    expect(JSON.parse(jsonCodec.encode(new Date(0), { key: '' }) as string)).toBe('1970-01-01T00:00:00.000Z')
  })

  it('is never for values that the codec refuses', () => {
    expectTypeOf<Jsonified<Map<string, number>>>().toEqualTypeOf<never>()
    expectTypeOf<Jsonified<Uint8Array | Buffer | string>>().toEqualTypeOf<Bytes | string>()
    expectTypeOf<Jsonified<{ bytes: Uint8Array }>>().toEqualTypeOf<{ bytes: never }>()
    expectTypeOf<Jsonified<Set<string> | RegExp | Error | Promise<1> | Uint16Array | bigint>>().toEqualTypeOf<never>()
    expectTypeOf<Jsonified<{ list: Map<string, Date>[] }>>().toEqualTypeOf<{ list: never[] }>()
  })

  it('matches JSON for functions, undefined in arrays, and objects with toJSON', () => {
    expectTypeOf<Jsonified<{ f: () => void; n: number }>>().toEqualTypeOf<{ f: undefined; n: number }>()
    expectTypeOf<Jsonified<(string | undefined)[]>>().toEqualTypeOf<(string | null)[]>()
    expectTypeOf<Jsonified<{ toJSON(): { at: Date } }>>().toEqualTypeOf<{ at: string }>()
    expectTypeOf<Jsonified<{ toJSON(): { inner: { map: Map<string, 1>; toJSON(): { at: Date } } } }>>().toEqualTypeOf<{
      inner: { at: string }
    }>()
    expectTypeOf<Jsonified<URL>>().toEqualTypeOf<string>()
    expectTypeOf<Jsonified<Money>>().toEqualTypeOf<{ readonly amount: number; text: undefined }>()
    const stored = jsonCodec.encode({ f: () => 1, n: 1, list: [undefined], money: new Money(5, 'EUR') }, { key: '' })
    expect(JSON.parse(stored as string)).toEqual({ n: 1, list: [null], money: { amount: 5, currency: 'EUR' } })
  })
})

describe('the type of getOrSet', () => {
  const cache = memoryCache()

  it('is the form that both a miss and a hit have', async () => {
    const read = () => cache.getOrSet('date', async () => ({ at: new Date(0), n: 1 }))
    expectTypeOf(read).returns.resolves.toEqualTypeOf<{ at: string; n: number }>()
    expect([await read(), await read()]).toEqual(Array(2).fill({ at: '1970-01-01T00:00:00.000Z', n: 1 }))
    // @ts-expect-error a Date comes back as a string, also where the variable says otherwise
    const wrong: { at: Date; n: number } = await read()
    expect(typeof wrong.at).toBe('string')
  })

  it('is the type of plain data, also with literals, and for plain values', async () => {
    expectTypeOf(cache.getOrSet('n', 1)).resolves.toEqualTypeOf<number>()
    expectTypeOf(cache.getOrSet('s', async () => 'text' as string | null)).resolves.toEqualTypeOf<string | null>()
    expectTypeOf(cache.getOrSet<unknown>('u', () => 1)).resolves.toEqualTypeOf<unknown>()
    const literal: { kind: 'a' | 'b' } = await cache.getOrSet('literal', () => ({ kind: 'a' }))
    const empty: string[] = await cache.getOrSet('empty', () => [])
    expect([literal, empty]).toEqual([{ kind: 'a' }, []])
  })

  it('is the type that the caller names for another codec', async () => {
    const load = <T>(key: string, compute: () => Promise<T>): Promise<T> => cache.getOrSet<T, T>(key, compute)
    // @ts-expect-error The JSON form of an unknown type is unknown.
    const unsafe = <T>(key: string, compute: () => Promise<T>): Promise<T> => cache.getOrSet(key, compute)
    expectTypeOf(cache.getOrSet<Date, Date>('kept', () => new Date())).resolves.toEqualTypeOf<Date>()
    expect([await load('k', async () => 1), await unsafe('k', async () => 2)]).toEqual([1, 1])
  })
})

describe('the type of cached', () => {
  const cache = nullCache()

  it('is the stored form', async () => {
    const find = cached(async (id: number) => ({ id, at: new Date(0) }), { cache, key: 'find' })
    expectTypeOf(find).returns.resolves.toEqualTypeOf<{ id: number; at: string }>()
    expectTypeOf(find.refresh).returns.resolves.toEqualTypeOf<{ id: number; at: string }>()
    expectTypeOf(find.uncached).returns.resolves.toEqualTypeOf<{ id: number; at: Date }>()
    expect([await find(1), await find.refresh(1)]).toEqual(Array(2).fill({ id: 1, at: '1970-01-01T00:00:00.000Z' }))
  })

  it('refuses to decorate a method whose value JSON changes', async () => {
    class Posts {
      @cached({ cache })
      async title(): Promise<{ title: string }> {
        return { title: 'One' }
      }
      // @ts-expect-error a decorator cannot tell that the Date becomes a string
      @cached({ cache })
      async latest(): Promise<{ at: Date }> {
        return { at: new Date(0) }
      }
    }
    expectTypeOf(new Posts().title).returns.resolves.toEqualTypeOf<{ title: string }>()
    expect(await new Posts().latest()).toEqual({ at: '1970-01-01T00:00:00.000Z' })
  })
})
