/** What the parts of a tiered cache share, and how a copy gets into the first tier. */

import type { Internals } from '../../cache/internals.ts'
import type { Cache } from '../../cache.ts'
import type { Copy } from '../../store/copies.ts'
import { ROOT, storedKeys } from '../../values/key.ts'
import type { NearCache } from '../platform/platform-cache.ts'
import { isCut } from './cut.ts'
import type { Feed } from './feed.ts'
import type { Fence, Ticket } from './fence.ts'
import type { Undue } from './undue.ts'

/** The same for a tiered cache and the namespaces nested in it. */
export interface Shared {
  /** Keys in it are those that the second tier stores: its own namespaces are not needed. */
  readonly l1: NearCache
  readonly undue: Undue
  /** The longest that a copy is kept, in milliseconds. */
  readonly copyMs: number
  readonly fence: Fence
  readonly feed: Feed
  /** Whether the second tier is asked what was changed. */
  readonly asksForNews: boolean
  /** Whether the second tier tells the tags of what it has. */
  readonly hasTags: boolean
}

export interface Context extends Shared {
  readonly l2: Cache
  readonly inside: Internals
  /** A key of the caller's as the first tier knows it. @throws InvalidKeyError */
  readonly nameOf: (key: string) => string
}

/** In the place of a value that is not there. */
export const ABSENT = Symbol('absent')

/** Keys as they were given, each once. @throws InvalidKeyError */
export function keysOf(keys: Iterable<string>): string[] {
  return [...storedKeys(ROOT, keys).values()]
}

/** Runs work with a ticket for the key. @throws InvalidKeyError */
export async function ticketed<T>(context: Context, key: string, work: (ticket: Ticket) => Promise<T>): Promise<T> {
  const { fence, nameOf } = context
  const ticket = fence.open(nameOf(key))
  try {
    return await work(ticket)
  } finally {
    fence.close(ticket)
  }
}

/** Keeps a copy, unless the entry was written meanwhile. A first tier that fails is as good as an empty one. */
export async function keep({ l1, copyMs }: Shared, copy: Copy, ticket: Ticket | undefined): Promise<void> {
  const milliseconds = Math.floor(Math.min(copyMs, copy.remainingMs))
  if (milliseconds <= 0 || !ticket?.isIntact || copy.tags?.some(isCut)) return
  try {
    await l1.set(ticket.key, await copy.value(), { expiration: { milliseconds }, tags: copy.tags ?? [] })
  } catch {
    ticket.isIntact = false
  }
  if (!ticket.isIntact) await forget(l1, [ticket.key])
}

/** Takes keys out of the first tier. What cannot be taken out ends with its time. */
export async function forget(l1: NearCache, names: readonly string[]): Promise<void> {
  await l1.deleteMany(names).catch(() => {})
}

/** What was invalidated by its tags; everything, where copies do not have them. */
export async function forgetTags({ l1, hasTags }: Shared, tags: string | Iterable<string>): Promise<void> {
  await (hasTags ? l1.invalidate(tags) : l1.clear()).catch(() => forgetAll(l1))
}

export async function forgetAll(l1: NearCache): Promise<void> {
  await l1.clear().catch(() => {})
}
