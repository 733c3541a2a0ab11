/**
 * A `Uint8Array` over an ArrayBuffer. `Uint8Array` is generic only since TypeScript 5.7, and this name also works in
 * 5.4.
 */
export type Bytes = ReturnType<typeof Uint8Array.from>

/**
 * True for a Uint8Array, a Buffer, or a Uint8Array of another realm.
 *
 * Other typed arrays are not bytes: the content of larger numbers depends on the machine's byte order.
 */
export function isBytes(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]'
}
