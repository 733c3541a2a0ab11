/** The type of bytes in a buffer of their own. `Uint8Array` is generic since TypeScript 5.7 only, and 5.4 can use this name too. */
export type Bytes = ReturnType<typeof Uint8Array.from>

/**
 * True for a Uint8Array, a Buffer, or a Uint8Array of another realm.
 *
 * The views of larger numbers are no bytes: their content depends on the machine's byte order.
 */
export function isBytes(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]'
}
