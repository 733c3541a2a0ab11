/** Remembers the tag states that a request has read, so that it reads each tag only once. */
import { requestMap } from './runtime.ts'
import type { TagState } from './tag-events.ts'

const GENERATION = 'generation'

/** Returns a number that changes when the request revalidates tags. */
export function tagGeneration(): number {
  return requestMap<number>('tag generation')?.get(GENERATION) ?? 0
}

/**
 * @param generation the generation before the states were read. If it has changed since, the states may be old: ignore
 *   them.
 */
export function rememberTags(states: ReadonlyMap<string, TagState>, generation: number): void {
  if (generation !== tagGeneration()) return
  const known = requestMap<Promise<TagState>>('tags')
  for (const [tag, state] of states) known?.set(tag, Promise.resolve(state))
}

/** Forgets all tags, because the request has revalidated some. */
export function forgetTags(): void {
  requestMap<number>('tag generation')?.set(GENERATION, tagGeneration() + 1)
  requestMap('tags')?.clear()
}

/**
 * Returns the states of tags. One call of `read` reads all states that the request does not know yet, and lookups of
 * the same tags share it. Only lookups of this request may wait for it, because Workers forbids waiting for another
 * request's promise.
 */
export async function statesOfTags(
  tags: readonly string[],
  read: (unknown: readonly string[]) => Promise<ReadonlyMap<string, TagState>>,
): Promise<TagState[]> {
  const known = requestMap<Promise<TagState>>('tags') ?? new Map<string, Promise<TagState>>()
  const unknown = tags.filter((tag) => !known.has(tag))
  if (unknown.length > 0) {
    const pendingStates = read(unknown)
    for (const tag of unknown)
      known.set(
        tag,
        pendingStates.then((states) => stateIn(states, tag)),
      )
  }
  return Promise.all(tags.map((tag) => known.get(tag) as Promise<TagState>))
}

function stateIn(states: ReadonlyMap<string, TagState>, tag: string): TagState {
  const state = states.get(tag)
  if (state === undefined) throw new TypeError('Expected a state for every tag.')
  return state
}
