/**
 * The only file that reads random values.
 *
 * While Next prerenders with `cacheComponents`, `Math.random()`, `crypto.randomUUID()` and `crypto.getRandomValues()` are
 * errors, because their results could end up in the page. Tokens, nonces and jitter never do, and the first request needs a
 * token. Next wraps the methods of the object `crypto` and not those of its class, so this file calls those of the class. If
 * a runtime's class lacks them, or Next wraps them too, Next's error says what to do.
 */

const UINT32_VALUES = 2 ** 32

/** A random UUID, version 4. */
export function randomUUID(): string {
  return method('randomUUID').call(crypto)
}

/** Fills the bytes with cryptographically strong random values, and returns them. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  method('getRandomValues').call(crypto, bytes)
  return bytes
}

/** From 0 up to, but not including, 1. Costs some hundred nanoseconds more than `Math.random`. */
export function randomNumber(): number {
  return new DataView(randomBytes(4).buffer).getUint32(0) / UINT32_VALUES
}

// Looked up at each call: some test environments replace `crypto` after this module was loaded.
function method<Name extends 'randomUUID' | 'getRandomValues'>(name: Name): (typeof crypto)[Name] {
  const ofClass: (typeof crypto)[Name] | undefined = Reflect.get(Object.getPrototypeOf(crypto), name)
  return ofClass ?? crypto[name]
}
