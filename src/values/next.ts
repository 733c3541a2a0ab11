/**
 * Next sets this global when it wraps `fetch`. `fetch` itself is no reliable sign, because others may wrap it again.
 */
const NEXT_PATCH = Symbol.for('next-patch')

/** True inside Next, including at build time. */
export function isInNext(): boolean {
  return Reflect.get(globalThis, NEXT_PATCH) === true
}
