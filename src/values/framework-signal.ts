/**
 * Recognises errors that are not failures. Next throws them from `fetch` to signal that it needs a request to render a
 * page.
 *
 * They must reach Next unchanged. If pgstash wrapped or retried them, the build would fail. If it counted them as a
 * miss, the page would get a value that was never read.
 */

/** React's mark of a postponed render. Next 14 and 15 throw it. */
const POSTPONED = Symbol.for('react.postpone')
/** The code of Next's error if `dynamic = 'error'` forbids the request. It is the only signal without a `digest`. */
const FORBIDDEN_CODE = 'NEXT_STATIC_GEN_BAILOUT'

/** True for a framework's signal. Next marks its other signals with a `digest`, as do `redirect` and `notFound`. */
export function isFrameworkSignal(thrown: unknown): thrown is object {
  if (typeof thrown !== 'object' || thrown === null) return false
  const { digest, code, $$typeof } = thrown as { digest?: unknown; code?: unknown; $$typeof?: unknown }
  return typeof digest === 'string' || code === FORBIDDEN_CODE || $$typeof === POSTPONED
}
