/** What the parts of a tiered cache share, and how a copy gets into the first tier. */
import type { Cache } from '../../cache.ts'
import type { Copy } from '../../store/copies.ts'
import type { Internals } from '../../store/internals.ts'
import { utf8Bytes } from '../../values/events.ts'
import { MAX_KEY_BYTES, type Scope, storedKey } from '../../values/key.ts'
import type { Fence, Ticket } from './fence.ts'

export interface Context {
  readonly l1: Cache
  readonly l2: Cache
  readonly inside: Internals
  readonly scope: Scope
  /** The longest that a copy is kept, in milliseconds. */
  readonly copyMs: number
  readonly fence: Fence
  /** In the first tier, marks of sliding reads that need not ask the second one yet: its deadline is far enough away. */
  readonly undue: Cache
  /** Whether the second tier tells the tags of what it has. */
  readonly hasTags: boolean
}

/** In the place of a value that is not there. */
export const ABSENT = Symbol('absent')

/** Runs work with a ticket for the key. @throws InvalidKeyError */
export async function ticketed<T>(context: Context, key: string, work: (ticket: Ticket) => Promise<T>): Promise<T> {
  const { fence, scope } = context
  const ticket = fence.open(storedKey(scope, key))
  try {
    return await work(ticket)
  } finally {
    fence.close(ticket)
  }
}

/** Keeps a copy, unless the entry was written meanwhile. A first tier that fails is as good as an empty one. */
export async function keep(context: Context, key: string, copy: Copy, ticket: Ticket): Promise<void> {
  const milliseconds = Math.floor(Math.min(context.copyMs, copy.remainingMs))
  if (milliseconds <= 0 || !ticket.isIntact || copy.tags?.some(isCut)) return
  try {
    await context.l1.set(key, copy.value, { expiration: { milliseconds }, tags: copy.tags ?? [] })
  } catch {
    ticket.isIntact = false
  }
  if (!ticket.isIntact) await forget(context, [key])
}

/** A tag that was too long to be stored whole: the first tier would not know it again. */
function isCut(tag: string): boolean {
  return utf8Bytes(tag) >= MAX_KEY_BYTES
}

/** Takes keys out of the first tier. */
export async function forget({ l1 }: Pick<Context, 'l1'>, keys: readonly string[]): Promise<void> {
  // What cannot be taken out ends with its `copyMs`.
  await l1.deleteMany(keys).catch(() => {})
}
