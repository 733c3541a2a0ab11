/**
 * The only file that reads random values.
 *
 * While Next prerenders with `cacheComponents`, it forbids `Math.random()`, `crypto.randomUUID()` and
 * `crypto.getRandomValues()`, because their results could end up in the page. Tokens, nonces and jitter never do, and
 * the first request needs a token. Next wraps the methods of the object `crypto`, not the methods of its class. So this
 * file calls the methods of the class. If a runtime's class lacks them, or Next wraps them too, Next's error says what
 * to do.
 */

const UINT32_VALUES = 2 ** 32

/** Returns a random UUID, version 4. */
export function randomUUID(): string {
  return method('randomUUID').call(crypto)
}

/** Returns cryptographically strong random bytes. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  method('getRandomValues').call(crypto, bytes)
  return bytes
}

/** Returns a number from 0 up to, but not including, 1. It takes some hundred nanoseconds longer than `Math.random`. */
export function randomNumber(): number {
  return new DataView(randomBytes(4).buffer).getUint32(0) / UINT32_VALUES
}

// Look the method up at each call, because some test environments replace `crypto` after this module is loaded.
function method<Name extends 'randomUUID' | 'getRandomValues'>(name: Name): (typeof crypto)[Name] {
  const ofClass: (typeof crypto)[Name] | undefined = Reflect.get(Object.getPrototypeOf(crypto), name)
  return ofClass ?? crypto[name]
}
