/** Stores with one defect each, which the store contract must find. */
import { type Lease, type Reply, type Row, type Store, toReply } from 'pgstash'
import { KeyValueStore } from '../../docs/snippets/stores/own-store.ts'
import { checkedStore } from '../../src/store/checked-store.ts'
import { createKeyValueStorage, type StoreOnClock } from './key-value-store.ts'

interface Place {
  now(): number
  /** The lease of a key, for defects that keep the lease. */
  leaseOf(key: string): Promise<Lease | undefined>
  setLease(key: string, lease: Lease | undefined): Promise<void>
}

interface Defect {
  /** The group whose tests find it: the name of a `describe` of the contract. */
  readonly group: string
  breakIt(store: Store, place: Place): Partial<Store>
}

const defect = (group: string, breakIt: Defect['breakIt']): Defect => ({ group, breakIt })

/** The same reply with another value. */
async function altered<T>(reply: Reply<T> | Promise<Reply<T>>, alter: (value: T) => T): Promise<Reply<T>> {
  const { value, ...rest } = await reply
  return { ...rest, value: alter(value) }
}

/** A method that leaves the lease of a key unchanged. */
function keepingLease(name: 'write' | 'add' | 'touch' | 'count' | 'limit' | 'remove' | 'take', key = 'key') {
  return (store: Store, { leaseOf, setLease }: Place): Partial<Store> => {
    const call = store[name] as (...args: unknown[]) => Promise<unknown>
    return {
      async [name](...args: unknown[]) {
        const lease = await leaseOf(key)
        const reply = await call(...args)
        await setLease(key, lease)
        return reply
      },
    }
  }
}

const withoutCopyFields = ({ value, number }: Row): Row => ({ value, number })

export const DEFECTS: Record<string, Defect> = {
  'a reply without its cost': defect('replies', (store) => ({
    has: async (key) => ({ value: (await store.has(key)).value }) as Reply<boolean>,
  })),
  'a local store that promises': defect('replies', () => ({ isLocal: true })),

  'a read at once of what was removed': defect('rows', (store) => {
    const seen = new Map<string, Row>()
    return {
      readLocal: (key) => seen.get(key),
      write(items, input) {
        for (const { key, value, number } of items) seen.set(key, { value, number })
        return store.write(items, input)
      },
    }
  }),
  'null values that are missing from readMany': defect('rows', (store) => ({
    readMany: (keys) =>
      altered(store.readMany(keys), (rows) => new Map([...rows].filter(([, { value, number }]) => value ?? number))),
  })),
  'readMany that answers for every key': defect('rows', (store) => ({
    readMany: (keys) =>
      altered(store.readMany(keys), (rows) => new Map(keys.map((key) => [key, rows.get(key) ?? NULL_ROW]))),
  })),
  'rows without tags and life': defect('rows', (store) => ({
    read: (key, options) => altered(store.read(key, options), (row) => row && withoutCopyFields(row)),
  })),
  'claims without tags and life': defect('rows', (store) => ({
    readOrClaim: (request) =>
      altered(store.readOrClaim(request), (answer) => ({
        ...answer,
        entry: answer.entry && { ...answer.entry, tags: undefined, remainingMs: undefined },
      })),
  })),
  'a row object that is used again': defect('rows', (store) => {
    const rows = new Map<string, Row>()
    return {
      read: (key, options) =>
        altered(store.read(key, options), (row) => {
          if (row === undefined) return undefined
          const own = Object.assign(rows.get(key) ?? {}, row) as Row
          rows.set(key, own)
          return own
        }),
    }
  }),
  'sliding beyond the greatest age': defect('rows', (store) => ({
    read: (key, { sliding, ...options } = {}) =>
      store.read(key, { ...options, sliding: sliding && { ...sliding, maxAgeMs: null } }),
  })),
  'a write that counts nothing': defect('rows', (store) => ({
    write: (items, input) => altered(store.write(items, input), () => 0),
  })),

  'a list in the order of UTF-16': defect('list', (store) => ({
    list: (scope, input) =>
      altered(store.list(scope, input), (rows) => [...rows].sort((a, b) => (a.key < b.key ? -1 : 1))),
  })),
  'a list without the row that tells of the next page': defect('list', (store) => ({
    list: (scope, input) => altered(store.list(scope, input), (rows) => rows.slice(0, input.limit)),
  })),
  'a list that includes the key to begin after': defect('list', (store) => ({
    list: (scope, input) => store.list(scope, { ...input, after: input.after.slice(0, -1) }),
  })),
  'a list that goes on only behind keys that exist': defect('list', (store) => ({
    list: async (scope, input) =>
      input.after === '' || (await store.has(input.after)).value ? store.list(scope, input) : toReply([]),
  })),
  'a sweep that takes leases along': defect('sweep', (store, { setLease }) => ({
    async sweep(scope, input) {
      const reply = await store.sweep(scope, input)
      await setLease('key', undefined)
      return reply
    },
  })),
  'a sweep that does nothing once it is aborted': defect('sweep', (store) => ({
    sweep: (scope, input) => (input.signal?.aborted ? toReply({ removed: 0, more: true }) : store.sweep(scope, input)),
  })),
  'a clear that counts live entries only': defect('clear', (store) => ({
    async clear(scope) {
      const { value } = await store.size(scope)
      return altered(store.clear(scope), () => value)
    },
  })),
  'a clear that leaves leases': defect('clear', (store, { leaseOf, setLease }) => ({
    async clear(scope) {
      const lease = await leaseOf('a|key')
      const reply = await store.clear(scope)
      await setLease('a|key', lease)
      return reply
    },
  })),
  'a clear of all scopes that begin alike': defect('clear', (store) => ({
    clear: (scope) => store.clear({ ...scope, prefix: scope.prefix.slice(0, -1) }),
  })),

  'a lease for everybody': defect('a lease', (store, { setLease }) => ({
    async readOrClaim(request) {
      await setLease(request.key, undefined)
      return store.readOrClaim(request)
    },
  })),
  'a lease that is held for an unknown time': defect('a lease', (store) => ({
    readOrClaim: (request) => altered(store.readOrClaim(request), (answer) => ({ ...answer, heldMs: undefined })),
  })),
  'a lease that its own token cannot claim again': defect('a lease', (store, { leaseOf }) => ({
    async readOrClaim(request) {
      const isOwn = (await leaseOf(request.key))?.token === request.token
      return altered(store.readOrClaim(request), (answer) => (isOwn ? { ...answer, claimed: false } : answer))
    },
  })),
  'a lease that never ends': defect('a lease', (store) => ({
    readOrClaim: (request) => store.readOrClaim({ ...request, leaseMs: Number.POSITIVE_INFINITY }),
  })),
  'a lease that is void once it has expired': defect('a lease', (store, { leaseOf, now }) => ({
    async fill(request) {
      const lease = await leaseOf(request.key)
      return lease !== undefined && lease.expiresAt > now() ? store.fill(request) : toReply(false)
    },
  })),
  'a release by anybody': defect('a lease', (store, { setLease }) => ({
    async release(key, token) {
      await setLease(key, undefined)
      return store.release(key, token)
    },
  })),
  'a release that does nothing': defect('a lease', () => ({ release: async () => toReply(undefined) })),
  'a fill that keeps the lease': defect('a lease', (store, { leaseOf, setLease }) => ({
    async fill(request) {
      const lease = await leaseOf(request.key)
      const reply = await store.fill(request)
      await setLease(request.key, lease)
      return reply
    },
  })),
  'a remove that breaks no lease': defect('a lease', keepingLease('remove')),
  'a take that breaks no lease': defect('a lease', keepingLease('take')),
  'a claim without force': defect('a lease', (store) => ({
    readOrClaim: (request) => store.readOrClaim({ ...request, force: false }),
  })),
  'a claim that takes a live entry for absent': defect('a lease', (store) => ({
    readOrClaim: (request) => store.readOrClaim({ ...request, force: true }),
  })),
  'a claim that is never early': defect('a lease', (store) => ({
    readOrClaim: (request) => store.readOrClaim({ ...request, early: 0 }),
  })),
  'a claim that is early whatever the computation took': defect('a lease', (store) => ({
    fill: (request) => store.fill({ ...request, computeMs: 600_000 }),
  })),

  'a write that breaks no lease': defect('a refresh is not stored after', keepingLease('write')),
  'an add that breaks no lease': defect('a refresh is not stored after', keepingLease('add')),
  'a touch into the past that breaks no lease': defect('a refresh is not stored after', keepingLease('touch')),
  'a count that breaks no lease': defect('a refresh is not stored after', keepingLease('count')),
  'a limit that breaks no lease': defect('a refresh is not stored after', keepingLease('limit')),
  'a fill without a look at tags': defect('a refresh is not stored after', (store) => ({
    async fill(request) {
      return store.fill({ ...request, asOf: (await store.snapshot()).value })
    },
  })),
  'a touch that breaks the lease': defect('a refresh is stored after', (store, { setLease }) => ({
    async touch(key, deadline) {
      await setLease(key, undefined)
      return store.touch(key, deadline)
    },
  })),
  'an invalidation that breaks every lease': defect('a refresh is stored after', (store, { setLease }) => ({
    async invalidate(tags) {
      await setLease('key', undefined)
      return store.invalidate(tags)
    },
  })),

  'a stale value for every reader': defect('a stale value', (store) => ({
    readOrClaim: (request) => store.readOrClaim({ ...request, staleMs: null }),
  })),
  'a stale value for no reader': defect('a stale value', (store) => ({
    readOrClaim: (request) => store.readOrClaim({ ...request, staleMs: 0 }),
  })),
  'a stale value for any time': defect('a stale value', (store) => ({
    fill: (request) => store.fill({ ...request, staleMs: null }),
  })),
  'a stale value that is never kept': defect('a stale value', (store) => ({
    fill: (request) => store.fill({ ...request, staleMs: 0 }),
  })),
  'a live value that may be served for any time': defect('a live value', (store) => ({
    readOrClaim: (request) =>
      altered(store.readOrClaim(request), (answer) => ({
        ...answer,
        entry: answer.entry && { ...answer.entry, servableMs: undefined },
      })),
  })),
  'a fill without a greatest age': defect('a fill', (store) => ({
    fill: (request) => store.fill({ ...request, maxAgeMs: null }),
  })),

  'a fill that ignores its snapshot': defect('a snapshot', (store) => ({
    fill: (request) => store.fill({ ...request, asOf: null }),
  })),
  'a write that ignores its snapshot': defect('a snapshot', (store) => ({
    write: (items, input) => store.write(items, { ...input, asOf: null }),
  })),
  'an add that ignores its snapshot': defect('a snapshot', (store) => ({
    add: (item, input) => store.add(item, { ...input, asOf: null }),
  })),
  'a position that is always the first': defect('a snapshot', () => ({ position: () => '0:0:0' })),
  'a position that is of the future': defect('a snapshot', (store) => {
    let last = ''
    return {
      async snapshot() {
        const reply = await store.snapshot()
        last = reply.value
        return reply
      },
      position: () => last.replace(/^\d+/, '999') || '999:999:0',
    }
  }),

  'a store that is not atomic': defect('at the same time', () => ({})),
}

const NULL_ROW: Row = { value: null, number: null }

/** The example with a defect. */
export function brokenStores(name: string): StoreOnClock {
  const isAtomic = name !== 'a store that is not atomic'
  let ahead = 0
  let storage = createKeyValueStorage({ isAtomic })
  return {
    create() {
      const own = storage
      const now = () => Date.now() + ahead
      const store = checkedStore(new KeyValueStore(own, now))
      const record = (key: string) => `key:${key}`
      const place: Place = {
        now,
        leaseOf: async (key) => (await own.transaction((t) => t.get<{ lease?: Lease }>(record(key))))?.lease,
        setLease: (key, lease) =>
          own.transaction(async (t) => t.put(record(key), { ...(await t.get<object>(record(key))), lease })),
      }
      return { ...store, ...DEFECTS[name]?.breakIt(store, place) }
    },
    async reset() {
      storage = createKeyValueStorage({ isAtomic })
    },
    async advance(ms) {
      ahead += ms
    },
  }
}
