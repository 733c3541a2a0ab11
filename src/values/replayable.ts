/** Returns the options with tags that can be read more than once: a generator is empty the second time. */
export function withReplayableTags<T extends { readonly tags?: Iterable<string> | undefined } | undefined>(
  options: T,
): T {
  return typeof options?.tags === 'object' ? { ...options, tags: toArray(options.tags) } : options
}

/** A value that is not iterable passes unchanged, and is refused by whoever checks it. */
export function toArray<T>(tags: T): T | string[] {
  return typeof tags === 'object' && tags !== null && Symbol.iterator in tags ? [...(tags as Iterable<string>)] : tags
}
