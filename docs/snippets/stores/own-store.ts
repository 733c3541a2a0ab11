import {
  backOff,
  buildEntry,
  buildFilledEntry,
  type ClaimRequest,
  type CountInput,
  claimEntry,
  countEntry,
  type Deadline,
  type FillRequest,
  formatSnapshot,
  type Item,
  type Lease,
  type LimitInput,
  type ListedRow,
  type ListInput,
  limitEntry,
  parseSnapshot,
  type ReadOptions,
  type Reply,
  type Row,
  type Scope,
  type Store,
  type StoredEntry,
  type SweepInput,
  selectPage,
  slideEntry,
  sumStats,
  toListedRow,
  toReply,
  toRow,
  touchEntry,
  type WriteInput,
} from 'pgstash'

/** A key-value storage with transactions. `ctx.storage` of a Durable Object is one. */
export interface TransactionalStorage {
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
}

export interface Transaction {
  get<T>(key: string): Promise<T | undefined>
  put<T>(key: string, value: T): Promise<void>
  delete(key: string): Promise<boolean>
  list<T>(options: { prefix: string }): Promise<Map<string, T>>
}

/** Everything about one key, in one record. So a write that replaces the record breaks the lease, too. */
interface Slot {
  entry?: StoredEntry | undefined
  lease?: Lease | undefined
}

/** Keeps cache entries in a key-value storage. Each method is one transaction, and so atomic. */
export class KeyValueStore implements Store {
  readonly #storage: TransactionalStorage
  readonly #now: () => number

  constructor(storage: TransactionalStorage, now: () => number = Date.now) {
    this.#storage = storage
    this.#now = now
  }

  async #run<T>(work: (slots: Slots, now: number) => Promise<T>): Promise<Reply<T>> {
    const now = this.#now()
    const value = await this.#storage.transaction((transaction) => work(new Slots(transaction, now), now))
    return toReply(value, { roundTrips: 1, bytes: 0 })
  }

  read(key: string, { sliding }: ReadOptions = {}): Promise<Reply<Row | undefined>> {
    return this.#run(async (slots, now) => {
      const entry = await slots.live(key)
      if (entry === undefined) return undefined
      const own = sliding === undefined ? entry : slideEntry(entry, sliding, now)
      if (own !== entry) await slots.update(key, { entry: own })
      return toRow(own, now)
    })
  }

  readMany(keys: readonly string[]): Promise<Reply<Map<string, Row>>> {
    return this.#run(async (slots, now) => {
      const rows = new Map<string, Row>()
      for (const key of keys) {
        const entry = await slots.live(key)
        if (entry !== undefined) rows.set(key, toRow(entry, now))
      }
      return rows
    })
  }

  has(key: string) {
    return this.#run(async (slots) => (await slots.live(key)) !== undefined)
  }

  deadline(key: string) {
    return this.#run(async (slots) => (await slots.live(key))?.expiresAt)
  }

  write(items: readonly Item[], input: WriteInput) {
    return this.#run(async (slots, now) => {
      const position = await slots.positionOf(input.asOf)
      for (const item of items) await slots.replace(item.key, { entry: buildEntry(item, input, position, now) })
      return items.length
    })
  }

  add(item: Item, input: WriteInput) {
    return this.#run(async (slots, now) => {
      if ((await slots.live(item.key)) !== undefined) return false
      const position = await slots.positionOf(input.asOf)
      await slots.replace(item.key, { entry: buildEntry(item, input, position, now) })
      return true
    })
  }

  touch(key: string, deadline: Deadline) {
    return this.#run(async (slots, now) => {
      const before = await slots.live(key)
      if (before === undefined) return false
      const entry = touchEntry(before, deadline, now)
      if (entry.expiresAt > now) await slots.update(key, { entry })
      else await slots.replace(key, { entry })
      return true
    })
  }

  count(key: string, input: CountInput) {
    return this.#run(async (slots, now) => {
      const entry = countEntry(await slots.live(key), key, input, now)
      await slots.replace(key, { entry })
      return entry.number
    })
  }

  limit(key: string, rule: LimitInput) {
    return this.#run(async (slots, now) => {
      const { entry, window, isChanged } = limitEntry(await slots.live(key), key, rule, now)
      if (isChanged) await slots.replace(key, { entry })
      return window
    })
  }

  remove(keys: readonly string[]) {
    return this.#run(async (slots) => {
      let removed = 0
      for (const key of keys) {
        if ((await slots.live(key)) !== undefined) removed++
        await slots.replace(key, {})
      }
      return removed
    })
  }

  take(key: string): Promise<Reply<Row | undefined>> {
    return this.#run(async (slots, now) => {
      const entry = await slots.live(key)
      await slots.replace(key, {})
      return entry && toRow(entry, now)
    })
  }

  clear(scope: Scope) {
    return this.#run(async (slots) => {
      const found = await slots.inside(scope)
      for (const key of found.keys()) await slots.replace(key, {})
      return [...found.values()].filter(({ entry }) => entry !== undefined).length
    })
  }

  async sweep(scope: Scope, { batch, timeBudget, onProgress, signal }: SweepInput) {
    const startedAt = performance.now()
    for (let removed = 0; ; ) {
      const { value } = await this.#run((slots) => slots.removeDead(scope, batch))
      removed += value
      onProgress?.(removed)
      if (value < batch) return toReply({ removed, more: false })
      const isOver = performance.now() - startedAt >= timeBudget
      if (isOver || signal?.aborted) return toReply({ removed, more: true })
    }
  }

  invalidate(tags: readonly string[]) {
    return this.#run((slots) => slots.invalidate(tags))
  }

  snapshot() {
    return this.#run(async (slots) => formatSnapshot(await slots.positionOf(null), await slots.id()))
  }

  size(scope: Scope) {
    return this.#run(async (slots) => (await slots.listed(scope)).filter(({ state }) => state === 'live').length)
  }

  stats(scope: Scope) {
    return this.#run(async (slots) => sumStats(await slots.listed(scope)))
  }

  list(scope: Scope, input: ListInput) {
    return this.#run(async (slots) => selectPage(await slots.listed(scope), scope, input))
  }

  readOrClaim(request: ClaimRequest) {
    return this.#run(async (slots, now) => {
      const { key } = request
      const before = await slots.get(key)
      const entry = before.entry && !(await slots.isRejected(before.entry)) ? before.entry : undefined
      const state = { entry, lease: before.lease, position: await slots.positionOf(null) }
      const next = claimEntry(state, request, now)
      if (next.entry !== entry) await slots.update(key, { entry: next.entry })
      if (next.lease !== before.lease) await slots.update(key, { lease: next.lease })
      return next.answer
    })
  }

  fill(request: FillRequest) {
    return this.#run(async (slots, now) => {
      const { key, token, tags, asOf } = request
      const { lease } = await slots.get(key)
      if (lease?.token !== token) return false
      await slots.update(key, { lease: undefined })
      const position = asOf === null ? lease.position : await slots.positionOf(asOf)
      if (await slots.isRejected({ tags, position })) return false
      await slots.replace(key, { entry: buildFilledEntry(request, position, now) })
      return true
    })
  }

  release(key: string, token: string, backoffMs?: number) {
    return this.#run(async (slots, now) => {
      const { lease } = await slots.get(key)
      if (lease?.token === token) await slots.update(key, { lease: backOff(lease, backoffMs, now) })
    })
  }
}

/** The records, as one transaction sees them. */
class Slots {
  constructor(
    readonly transaction: Transaction,
    readonly now: number,
  ) {}

  async get(key: string): Promise<Slot> {
    return (await this.transaction.get<Slot>(`key:${key}`)) ?? {}
  }

  async replace(key: string, slot: Slot): Promise<void> {
    if (slot.entry === undefined && slot.lease === undefined) await this.transaction.delete(`key:${key}`)
    else await this.transaction.put(`key:${key}`, slot)
  }

  async update(key: string, change: Slot): Promise<void> {
    await this.replace(key, { ...(await this.get(key)), ...change })
  }

  async live(key: string): Promise<StoredEntry | undefined> {
    const { entry } = await this.get(key)
    if (entry === undefined || entry.expiresAt <= this.now || (await this.isRejected(entry))) return undefined
    return entry
  }

  async inside({ prefix }: Scope): Promise<Map<string, Slot>> {
    const found = await this.transaction.list<Slot>({ prefix: `key:${prefix}` })
    return new Map(Array.from(found, ([key, slot]) => [key.slice('key:'.length), slot]))
  }

  async listed(scope: Scope): Promise<ListedRow[]> {
    const rows: ListedRow[] = []
    for (const { entry } of (await this.inside(scope)).values()) {
      if (entry !== undefined) rows.push(toListedRow(entry, await this.isRejected(entry), this.now))
    }
    return rows
  }

  /** Keeps leases that still stand: somebody computes the value. */
  async removeDead(scope: Scope, batch: number): Promise<number> {
    let removed = 0
    for (const [key, { entry, lease }] of await this.inside(scope)) {
      if (removed === batch) break
      const isDead = entry !== undefined && (entry.staleUntil <= this.now || (await this.isRejected(entry)))
      if (isDead) removed++
      if (isDead || entry === undefined) {
        await this.replace(key, { lease: lease && lease.expiresAt > this.now ? lease : undefined })
      }
    }
    return removed
  }

  /** The log of invalidations: the last position of each tag. It only grows, by a few bytes for each tag. */
  async invalidate(tags: readonly string[]): Promise<void> {
    const position = (await this.positionOf(null)) + 1
    await this.transaction.put('position', position)
    for (const tag of tags) await this.transaction.put(`tag:${tag}`, position)
  }

  async isRejected({ tags, position }: Pick<StoredEntry, 'tags' | 'position'>): Promise<boolean> {
    for (const tag of tags ?? []) {
      if (((await this.transaction.get<number>(`tag:${tag}`)) ?? 0) > position) return true
    }
    return false
  }

  /** The position of a snapshot; null is now. */
  async positionOf(snapshot: string | null): Promise<number> {
    if (snapshot !== null) return parseSnapshot(snapshot, await this.id())
    return (await this.transaction.get<number>('position')) ?? 0
  }

  /** Tells the snapshots of this storage from those of another. */
  async id(): Promise<string> {
    const known = await this.transaction.get<string>('id')
    if (known !== undefined) return known
    const id = String(crypto.getRandomValues(new Uint32Array(1))[0])
    await this.transaction.put('id', id)
    return id
  }
}
