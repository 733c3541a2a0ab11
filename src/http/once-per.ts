/** Remembers parsed fields of a message, so that each rule can use them without parsing again. */

/**
 * Returns a function that computes its result once per object. The result can be collected together with its object.
 *
 * This is safe because messages are immutable by contract (see `RequestHead` and `TimedResponse`).
 */
export function oncePer<T extends object, R>(compute: (subject: T) => R): (subject: T) => R {
  const results = new WeakMap<T, { readonly result: R }>()
  return (subject) => {
    let known = results.get(subject)
    if (known === undefined) {
      known = { result: compute(subject) }
      results.set(subject, known)
    }
    return known.result
  }
}
