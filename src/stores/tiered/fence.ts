/**
 * What keeps an old value out of the first tier: between a read of the second and the copy that is made of it somebody may
 * write. Whoever makes a copy holds a ticket from before it asked, and every write of the key spoils the others' tickets, at
 * its beginning and at its end. Of writes that overlap, none knows which came last in the store, so none leaves a copy.
 */
export interface Ticket {
  readonly key: string
  isIntact: boolean
}

export interface Fence {
  /** @param key as it is stored */
  open(key: string): Ticket
  close(ticket: Ticket): void
  /** Spoils all tickets of these keys, or of all, but one's own. */
  spoil(keys: readonly string[] | 'all', own: readonly Ticket[]): void
  /** Runs a write; own tickets stay intact through it, unless another write overlaps. */
  during<T>(own: readonly Ticket[] | 'all', write: () => Promise<T>): Promise<T>
}

export function createFence(): Fence {
  const tickets = new Map<string, Set<Ticket>>()

  function spoil(keys: Iterable<string>, own: readonly Ticket[] = []): void {
    for (const key of keys) {
      for (const ticket of tickets.get(key) ?? []) if (!own.includes(ticket)) ticket.isIntact = false
    }
  }
  function spoilOthers(own: readonly Ticket[] | 'all'): void {
    if (own === 'all') spoil(tickets.keys())
    else
      spoil(
        own.map(({ key }) => key),
        own,
      )
  }
  return {
    spoil: (keys, own) => spoil(keys === 'all' ? tickets.keys() : keys, own),
    open(key) {
      const ticket = { key, isIntact: true }
      tickets.set(key, (tickets.get(key) ?? new Set()).add(ticket))
      return ticket
    },
    close(ticket) {
      const others = tickets.get(ticket.key)
      others?.delete(ticket)
      if (others?.size === 0) tickets.delete(ticket.key)
    },
    async during(own, write) {
      spoilOthers(own)
      try {
        return await write()
      } finally {
        spoilOthers(own)
      }
    },
  }
}
