/** Next sets this when it wraps `fetch`. `fetch` itself would not show it, because others may wrap it again. */
const NEXT_PATCH = Symbol.for('next-patch')

/** True in a program of Next, at build time too. */
export function isInNext(): boolean {
  return Reflect.get(globalThis, NEXT_PATCH) === true
}
