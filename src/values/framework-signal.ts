/**
 * Errors that are no failure: by throwing them from `fetch`, Next tells itself that a page needs a request to be rendered.
 *
 * They must reach Next as they are. Wrapped, retried or answered as a miss they would fail the build, or put a value into
 * the page that nobody read.
 */

/** React's mark of a postponed render, which Next 14 and 15 throw. */
const POSTPONED = Symbol.for('react.postpone')
/** `dynamic = 'error'` forbids the request. This is the only such error without a `digest`. */
const FORBIDDEN_CODE = 'NEXT_STATIC_GEN_BAILOUT'

/** Whether this is such an error. Next marks all others with a `digest`, as `redirect` and `notFound` do. */
export function isFrameworkSignal(thrown: unknown): thrown is object {
  if (typeof thrown !== 'object' || thrown === null) return false
  const { digest, code, $$typeof } = thrown as { digest?: unknown; code?: unknown; $$typeof?: unknown }
  return typeof digest === 'string' || code === FORBIDDEN_CODE || $$typeof === POSTPONED
}
