/** Writes go to the second tier, and then to the first; what changes a value in place only leaves the first. */

import { parsePairs, parseTags, parseWrite } from '../../cache/inputs.ts'
import { type Internals, internals } from '../../cache/internals.ts'
import { listed, once } from '../../cache/once.ts'
import type { Cache, CounterOptions, LimitRule, WriteOptions } from '../../cache.ts'
import { remainingMs } from '../../store/copies.ts'
import type { Expiration } from '../../values/expiration.ts'
import { NEVER } from '../../values/expiration.ts'
import { type Context, forget, forgetAll, forgetTags, keysOf } from './context.ts'
import type { Ticket } from './fence.ts'

export function writing(context: Context) {
  const { l1, l2, inside, nameOf, copyMs, fence, undue, feed, asksForNews } = context

  /** A write after which the first tier knows nothing of the keys. @throws InvalidKeyError */
  async function through<T>(keys: readonly string[], write: () => Promise<T>): Promise<T> {
    const tickets = opened(keys)
    try {
      return await fence.during(tickets, write)
    } finally {
      const names = tickets.map(nameOfTicket)
      await Promise.all([forget(l1, names), undue.forget(names)])
      for (const ticket of tickets) fence.close(ticket)
    }
  }

  function opened(keys: readonly string[]): Ticket[] {
    // All are checked before the first is opened.
    return keys.map(nameOf).map((name) => fence.open(name))
  }

  /** Encodes the copy at once, as the caller may change the value later; the function puts it into the first tier. */
  async function prepared(
    pairs: readonly (readonly [string, unknown])[],
    options: WriteOptions | undefined,
  ): Promise<() => Promise<void>> {
    const [first] = pairs
    const deadline = parseWrite({ expiration: first ? inside.defaultExpiration(first[0]) : NEVER }, options).deadline
    const milliseconds = Math.floor(Math.min(copyMs, remainingMs(deadline)))
    // As of a snapshot it may be rejected already; before the first news nobody would tell that others overwrote it.
    const isUntold = asksForNews && !feed.hasBegun()
    if (milliseconds <= 0 || options?.asOf !== undefined || isUntold) throw new RangeError('No copy is kept of it.')
    const copies = pairs.map(([key, value]) => [nameOf(key), value] as const)
    const given = { expiration: { milliseconds }, tags: options?.tags }
    const prepareMany = (l1 as { [internals]?: Pick<Internals, 'prepareMany'> })[internals]?.prepareMany
    return prepareMany === undefined ? () => l1.setMany(copies, given) : prepareMany(copies, given)
  }

  async function writeMany<T>(
    pairs: readonly (readonly [string, unknown])[],
    options: WriteOptions | undefined,
    write: () => Promise<T>,
    isStored: (result: T) => boolean = () => true,
  ): Promise<T> {
    const keys = [...new Set(pairs.map(([key]) => key))]
    const tickets = opened(keys)
    let hasCopy = false
    try {
      const written = fence.during(tickets, write)
      // What cannot be kept here is not, whatever the reason.
      const copying = prepared(pairs, options).catch(() => undefined)
      const result = await written
      const copy = await copying
      if (copy !== undefined && isStored(result) && tickets.every(({ isIntact }) => isIntact)) {
        hasCopy = await copy().then(
          () => tickets.every(({ isIntact }) => isIntact),
          () => false,
        )
      }
      return result
    } finally {
      const names = tickets.map(nameOfTicket)
      await Promise.all([hasCopy ? undefined : forget(l1, names), undue.forget(names)])
      for (const ticket of tickets) fence.close(ticket)
    }
  }

  /** Sets a key in both tiers. @param write sets it in the second, with the options read once */
  async function setThrough<T>(
    key: string,
    value: unknown,
    options: WriteOptions | undefined,
    write: (given: WriteOptions | undefined) => Promise<T>,
  ): Promise<T> {
    const given = once(options)
    return writeMany([[key, value]], given, () => write(given))
  }

  return {
    through,
    setThrough,
    set: (key: string, value: unknown, options?: WriteOptions): Promise<void> =>
      setThrough(key, value, options, (given) => l2.set(key, value, given)),
    setMany: (async (entries, options) => {
      const pairs = parsePairs(entries)
      const given = once(options)
      await writeMany(pairs, given, () => l2.setMany(pairs, given))
    }) as Cache['setMany'],
    async add(key: string, value: unknown, options?: WriteOptions): Promise<boolean> {
      const given = once(options)
      return writeMany(
        [[key, value]],
        given,
        () => l2.add(key, value, given),
        (isAdded) => isAdded,
      )
    },
    touch: async (key: string, expiration: Expiration) => through([key], () => l2.touch(key, expiration)),
    increment: async (key: string, delta?: number, options?: CounterOptions) =>
      through([key], () => l2.increment(key, delta, options)),
    decrement: async (key: string, delta?: number, options?: CounterOptions) =>
      through([key], () => l2.decrement(key, delta, options)),
    limit: async (key: string, rule: LimitRule) => through([key], () => l2.limit(key, rule)),
    pull: (async (key: string) => through([key], () => l2.pull(key))) as Cache['pull'],
    delete: async (key: string) => through([key], () => l2.delete(key)),
    async deleteMany(keys: Iterable<string>): Promise<number> {
      const asked = keysOf(keys)
      return through(asked, () => l2.deleteMany(asked))
    },
    async clear(): Promise<number> {
      try {
        return await fence.during('all', () => l2.clear())
      } finally {
        await forgetAll(l1)
      }
    },
    async invalidate(tags: string | Iterable<string>): Promise<void> {
      const list = listed(tags)
      if (parseTags(list) === null) return
      try {
        await fence.during('all', () => l2.invalidate(list))
      } finally {
        await forgetTags(context, list)
      }
    },
  }
}

const nameOfTicket = ({ key }: Ticket) => key
