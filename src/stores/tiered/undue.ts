/** Marks of sliding reads that need not ask the second tier yet: its deadline is far enough away. */
import type { Copy } from '../../store/copies.ts'
import type { NearCache } from '../platform/platform-cache.ts'
import { isCut } from './cut.ts'
import type { Ticket } from './fence.ts'

/** Of the first tier; a version, so that no namespace of the user's is it. */
const MARKS = { version: 'sliding reads' }

export interface Undue {
  /** Whether a read that slides by so much can be answered by the first tier. */
  has(name: string, ttlMs: number): Promise<boolean>
  /** Unless the entry was written meanwhile. */
  note(ticket: Ticket, ttlMs: number, copy: Omit<Copy, 'value'>): Promise<void>
  /** What is written may have another deadline. */
  forget(names: readonly string[]): Promise<void>
}

export function createUndue(l1: NearCache, copyMs: number): Undue {
  const marks = l1.namespace('undue', MARKS)
  // Also where none was made here: those who share the first tier, as isolates do the platform's cache, share its marks.
  async function forget(names: readonly string[]): Promise<void> {
    await marks.deleteMany(names).catch(() => {})
  }

  return {
    forget,
    // What is undue for a longer span is so for a shorter one.
    has: async (name, ttlMs) => Number(await marks.get(name).catch(() => undefined)) >= ttlMs,
    async note(ticket, ttlMs, { remainingMs, tags }) {
      const milliseconds = Math.floor(Math.min(remainingMs - ttlMs, copyMs))
      if (milliseconds <= 0 || !ticket.isIntact || tags?.some(isCut)) return
      await marks.set(ticket.key, ttlMs, { expiration: { milliseconds }, tags: tags ?? [] }).catch(() => {})
      if (!ticket.isIntact) await forget([ticket.key])
    },
  }
}
