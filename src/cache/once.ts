/** Makes options readable more than once: a generator is empty the second time. */

/** Returns the options with tags that can be read again. */
export function once<T extends { readonly tags?: Iterable<string> | undefined } | undefined>(options: T): T {
  return typeof options?.tags === 'object' ? { ...options, tags: listed(options.tags) } : options
}

/** A value that is not a list passes unchanged, and is refused where it is checked. */
export function listed<T>(tags: T): T | string[] {
  return typeof tags === 'object' && tags !== null && Symbol.iterator in tags ? [...(tags as Iterable<string>)] : tags
}
