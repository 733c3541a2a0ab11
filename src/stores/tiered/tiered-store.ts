/** Combines two stores: copies in the first tier, and in the second tier the rows that all processes share. */
import { remainingMs } from '../../store/claims.ts'
import { leaseIdentity } from '../../store/lease-identity.ts'
import {
  type Item,
  type MaybePromise,
  type ReadOptions,
  type Reply,
  type Row,
  type Store,
  toReply,
  type WriteInput,
} from '../../store/store.ts'
import { now } from '../../values/clock.ts'
import type { NearStore } from '../near-store.ts'
import { type ChangeFeed, createChangeFeed } from './change-feed.ts'
import { createCopies } from './copies.ts'
import { type CopyGuard, createCopyGuards } from './copy-guards.ts'
import { filling } from './filling.ts'

export interface TieredStore extends Store {
  /** The change feed, which `listen` passes notifications to. */
  readonly feed: ChangeFeed
}

export interface Tiers {
  readonly near: NearStore
  readonly far: Store
  /** The longest life of a copy, in milliseconds. */
  readonly copyMs: number
  /** True if reads of the second tier also ask what other processes changed. */
  readonly asksForChanges: boolean
}

export function tieredStore({ near, far, copyMs, asksForChanges }: Tiers): TieredStore {
  const guards = createCopyGuards()
  const copies = createCopies(near, copyMs)
  const feed = createChangeFeed(copies, guards)
  const readerFor = (own: readonly CopyGuard[]) => (asksForChanges ? feed.reader(own) : undefined)

  /**
   * @param sentAt when the read was sent. The row's remaining life counts from here: the second tier answered no
   *   earlier.
   */
  async function keepRow(row: Row, guard: CopyGuard, ttlMs: number | undefined, sentAt: number): Promise<void> {
    const own = { ...row, remainingMs: (row.remainingMs ?? 0) - (now() - sentAt) }
    if (ttlMs !== undefined) await copies.hintSliding(ttlMs, own, guard)
    await copies.keep(own, guard)
  }

  /** Reads the second tier, and keeps copies of the rows. */
  async function readFar(keys: readonly string[], { sliding }: ReadOptions): Promise<Reply<ReadonlyMap<string, Row>>> {
    const own = guards.open(keys)
    const sentAt = now()
    try {
      const options = { sliding, forCopy: true, changes: readerFor(own) }
      const [first = ''] = keys
      const reply =
        sliding === undefined ? await far.readMany(keys, options) : asMap(first, await far.read(first, options))
      await Promise.all(
        own.map(async (guard) => {
          const row = reply.value.get(guard.key)
          if (row !== undefined) await keepRow(row, guard, sliding?.ttlMs, sentAt)
        }),
      )
      return reply
    } finally {
      guards.close(own)
    }
  }

  async function read(key: string, options: ReadOptions = {}): Promise<Reply<Row | undefined>> {
    const { sliding, forCopy } = options
    const isDue = sliding !== undefined && !(await copies.canSlide(key, sliding.ttlMs))
    const copy = isDue ? undefined : await copies.read(key, { forCopy })
    if (copy !== undefined) return toReply(copy)
    const reply = await readFar([key], options)
    const row = reply.value.get(key)
    // A sliding read skipped the copy. If the second tier cannot answer, use the copy after all.
    return {
      ...reply,
      value: row === undefined && reply.failure !== undefined && isDue ? await copies.read(key, { forCopy }) : row,
    }
  }

  async function readMany(
    keys: readonly string[],
    options: ReadOptions = {},
  ): Promise<Reply<ReadonlyMap<string, Row>>> {
    const nearby = await copies.readMany(keys, { forCopy: options.forCopy })
    const missing = keys.filter((key) => !nearby.has(key))
    if (missing.length === 0) return toReply(nearby)
    const reply = await readFar(missing, options)
    return { ...reply, value: new Map([...nearby, ...reply.value]) }
  }

  /** Runs a write, and removes the keys' copies. */
  async function writeAndForget<T>(keys: readonly string[], write: () => MaybePromise<Reply<T>>): Promise<Reply<T>> {
    const own = guards.open(keys)
    try {
      return await guards.during(own, async () => write())
    } finally {
      await copies.forget(keys)
      guards.close(own)
    }
  }

  /** Writes, and keeps copies if the second tier stored all of it. */
  async function write(items: readonly Item[], input: WriteInput): Promise<Reply<number>> {
    const keys = items.map(({ key }) => key)
    const own = guards.open(keys)
    const sentAt = now()
    let hasCopies = false
    try {
      const reply = await guards.during(own, async () => far.write(items, input))
      // Keep no copy if `asOf` is set, because the value may already be invalidated. Keep none before the first answer
      // of the change feed either, because an overwrite could go unnoticed.
      const mayKeep = input.asOf === null && !(asksForChanges && !feed.hasBegun())
      if (mayKeep && reply.failure === undefined && reply.value === items.length) {
        const life = remainingMs(input.deadline) - (now() - sentAt)
        hasCopies = await copies.keepAll(items, { remainingMs: life, tags: input.tags }, own)
      }
      return reply
    } finally {
      await (hasCopies ? copies.forgetHints(keys) : copies.forget(keys))
      guards.close(own)
    }
  }

  return {
    isLocal: false,
    isInTransaction: far.isInTransaction,
    source: far,
    feed,
    ...(far.position === undefined ? {} : { position: () => far.position?.() ?? '' }),
    readLocal: (key) => copies.readLocal(key),
    leaseIdentity: (key) => leaseIdentity(far, key),
    read,
    readMany,
    has: async (key) => ((await copies.has(key)) ? toReply(true) : far.has(key)),
    deadline: (key) => far.deadline(key),
    write,
    // `add` returns true even if the store had no room, so leave the copy to the first read.
    add: (item, input) => writeAndForget([item.key], () => far.add(item, input)),
    touch: (key, deadline) => writeAndForget([key], () => far.touch(key, deadline)),
    count: (key, input) => writeAndForget([key], () => far.count(key, input)),
    limit: (key, rule) => writeAndForget([key], () => far.limit(key, rule)),
    remove: (keys) => writeAndForget(keys, () => far.remove(keys)),
    take: (key) => writeAndForget([key], () => far.take(key)),
    async clear(scope) {
      try {
        return await guards.during('all', async () => far.clear(scope))
      } finally {
        await copies.clear(scope)
      }
    },
    async sweep(scope, input) {
      const reply = await far.sweep(scope, input)
      await copies.sweep(scope)
      return reply
    },
    async invalidate(tags) {
      try {
        return await guards.during('all', async () => far.invalidate(tags))
      } finally {
        await copies.invalidate(tags)
      }
    },
    snapshot: () => far.snapshot(),
    size: (scope, input) => far.size(scope, input),
    stats: (scope, input) => far.stats(scope, input),
    list: (scope, input) => far.list(scope, input),
    ...filling({ far, copies, guards, readerFor, keepRow }),
  }
}

function asMap(key: string, reply: Reply<Row | undefined>): Reply<ReadonlyMap<string, Row>> {
  return { ...reply, value: new Map(reply.value === undefined ? [] : [[key, reply.value]]) }
}
