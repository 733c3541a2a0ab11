/** Runs work outside of the render that requested it. */

interface Contexts {
  snapshot?(): <T>(work: () => T) => T
}

/**
 * Returns a function that runs work in the async context of this call. Call this when Next loads the handler.
 *
 * Next patches `fetch`. In the context of a prerender, our request would never get an answer, because Next postpones
 * uncached data until the first visit. There it also forbids `Date.now()` and `Math.random()`. These rules must not
 * apply to a cache handler, because Next itself waits for the handler.
 */
export function leaveContext(): <T>(work: () => T) => T {
  // Next sets this global for React. Other runtimes may lack it, and they have no patched `fetch`.
  const contexts: Contexts | undefined = Reflect.get(globalThis, 'AsyncLocalStorage')
  return contexts?.snapshot?.() ?? ((work) => work())
}
