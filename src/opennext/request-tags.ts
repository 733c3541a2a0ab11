/** What a request knows of tags, so that it asks for each once. */
import { requestMap } from './runtime.ts'
import type { TagState } from './tag-events.ts'

const GENERATION = 'generation'

/** Changes when the request revalidates tags. */
export function tagGeneration(): number {
  return requestMap<number>('tag generation')?.get(GENERATION) ?? 0
}

/** @param generation from before the states were read; if it has changed since, they may be old */
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
 * The states of tags. Those that the request does not know yet come from one call of `ask`, which look-ups of the same tags share
 * meanwhile. Only this request waits for it: on Workers, no other must.
 */
export async function statesOfTags(
  tags: readonly string[],
  ask: (unknown: readonly string[]) => Promise<ReadonlyMap<string, TagState>>,
): Promise<TagState[]> {
  const known = requestMap<Promise<TagState>>('tags') ?? new Map<string, Promise<TagState>>()
  const unknown = tags.filter((tag) => !known.has(tag))
  if (unknown.length > 0) {
    const asked = ask(unknown)
    for (const tag of unknown)
      known.set(
        tag,
        asked.then((states) => stateIn(states, tag)),
      )
  }
  return Promise.all(tags.map((tag) => known.get(tag) as Promise<TagState>))
}

function stateIn(states: ReadonlyMap<string, TagState>, tag: string): TagState {
  const state = states.get(tag)
  if (state === undefined) throw new TypeError('Expected a state for every tag.')
  return state
}
