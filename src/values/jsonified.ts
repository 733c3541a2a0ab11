/** The type of a value after it was stored as JSON and read again. */
import type { Bytes } from './bytes.ts'

/**
 * The types that the codec keeps, besides the types of JSON. Empty, because the default codec is JSON.
 *
 * Extend it if all caches of your program use a codec that keeps more types. The name of the property does not matter.
 *
 * @example
 * declare module 'pgstash' {
 *   interface KeptTypes {
 *     devalue: DevalueTypes
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: programs add to it
export interface KeptTypes {}

/** The types that `devalueCodec` keeps and JSON does not. Objects, arrays, Maps and Sets of these are kept as well. */
export type DevalueTypes =
  | Date
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | RegExp
  | bigint
  | ArrayBuffer
  | ArrayBufferView
  | undefined

/**
 * The type `T` after JSON. A Date becomes a string, and a function is dropped. A Map or a bigint becomes `never`,
 * because it is refused. A `Uint8Array` stays a `Uint8Array`, but is refused inside of an object or array.
 *
 * Plain data stays as it is: interfaces, unions, optional and readonly fields, tuples, branded strings, recursive
 * types, `unknown` and `any`. Types that {@link KeptTypes} lists stay too.
 *
 * @example
 * type Stored = Jsonified<{ name: string; born: Date }> // { name: string; born: string }
 */
export type Jsonified<T> = IsAny<T> extends true ? T : unknown extends T ? T : T extends Uint8Array ? Bytes : Form<T>

/** The same for a part of a value. Bytes are refused there. */
type Part<T> = IsAny<T> extends true ? T : unknown extends T ? T : Form<T>

type IsAny<T> = 0 extends 1 & T ? true : false
type Primitive = string | number | boolean | null | undefined
type Dropped = symbol | ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown)
type Refused =
  | bigint
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | RegExp
  | Error
  | PromiseLike<unknown>
  | ArrayBuffer
  | ArrayBufferView

type Form<T> = T extends Primitive | KeptTypes[keyof KeptTypes]
  ? T
  : T extends { toJSON(...args: never[]): infer Json }
    ? Part<Json>
    : T extends Refused
      ? never
      : T extends Dropped
        ? undefined
        : T extends readonly unknown[]
          ? List<T>
          : // An interface of nothing but primitives keeps its name.
            unknown extends T[keyof T]
            ? Fields<T>
            : T[keyof T] extends Primitive
              ? T
              : Fields<T>

/** Fields whose keys are symbols stay, because most of them are brands of types. */
type Fields<T> = { [K in keyof T]: K extends symbol ? T[K] : Part<T[K]> }

/** Arrays are not a mapped type, because that would be resolved at once, and a recursive type would never end. */
type List<T extends readonly unknown[]> = number extends T['length']
  ? T extends unknown[]
    ? Item<T[number]>[]
    : readonly Item<T[number]>[]
  : { [K in keyof T]: Part<T[K]> }

type Item<T> =
  IsAny<T> extends true
    ? T
    : unknown extends T
      ? T
      : T extends KeptTypes[keyof KeptTypes]
        ? T
        : T extends undefined | Dropped
          ? null
          : Form<T>
