/**
 * Errors that are no failure. Next throws them from `fetch` to signal that it needs a request to render a page.
 *
 * They must reach Next unchanged. If pgstash wrapped or retried them, or counted them as a miss, the build would fail, or the
 * page would get a value that nobody read.
 */

/** React's mark of a postponed render, which Next 14 and 15 throw. */
const POSTPONED = Symbol.for('react.postpone')
/** `dynamic = 'error'` forbids the request. This is the only such error without a `digest`. */
const FORBIDDEN_CODE = 'NEXT_STATIC_GEN_BAILOUT'

/** True for such an error. Next marks all others with a `digest`, and so do `redirect` and `notFound`. */
export function isFrameworkSignal(thrown: unknown): thrown is object {
  if (typeof thrown !== 'object' || thrown === null) return false
  const { digest, code, $$typeof } = thrown as { digest?: unknown; code?: unknown; $$typeof?: unknown }
  return typeof digest === 'string' || code === FORBIDDEN_CODE || $$typeof === POSTPONED
}
