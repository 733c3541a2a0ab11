/** Runs work outside of the render that asked for it. */

interface Contexts {
  snapshot?(): <T>(work: () => T) => T
}

/**
 * Returns a function that runs work in the context of this call, which is when Next loads the handler.
 *
 * Next patches `fetch`. In the context of a prerender, a request of ours would never be answered, because Next leaves
 * uncached data to the first visitor. There it also forbids `Date.now()` and `Math.random()`. None of that concerns a cache
 * handler, whose answer Next itself asked for.
 */
export function leaveContext(): <T>(work: () => T) => T {
  // Next puts it there for React. Other runtimes may lack it, and they have no patched `fetch`.
  const contexts: Contexts | undefined = Reflect.get(globalThis, 'AsyncLocalStorage')
  return contexts?.snapshot?.() ?? ((work) => work())
}
