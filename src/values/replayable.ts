/** Returns the options with tags that can be read more than once: a generator is empty the second time. */
export function withReplayableTags<T extends { readonly tags?: Iterable<string> | undefined } | undefined>(
  options: T,
): T {
  return typeof options?.tags === 'object' ? { ...options, tags: toArray(options.tags) } : options
}

/** Copies an iterable to an array. Returns any other value unchanged; a later check refuses it. */
export function toArray<T>(tags: T): T | string[] {
  return typeof tags === 'object' && tags !== null && Symbol.iterator in tags ? [...(tags as Iterable<string>)] : tags
}
