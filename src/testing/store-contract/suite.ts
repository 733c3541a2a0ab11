/** Requests for the store contract, with defaults. */
import type { ClaimRequest, FillRequest } from '../../store/claims.ts'
import type { ListInput, SweepInput } from '../../store/inputs.ts'
import type { Item, MaybePromise, Row, Store, WriteInput } from '../../store/store.ts'
import type { Deadline } from '../../values/expiration.ts'
import { keyRange, ROOT, type Scope } from '../../values/key.ts'
import { randomUUID } from '../../values/random.ts'
import type { TestRunner } from '../contract/suite.ts'

/** The storage that `storeContract` tests, as stores. */
export interface StoresUnderTest {
  /** Returns a store over the same storage on each call. */
  create(): MaybePromise<Store>
  /** Removes everything from that storage. */
  reset(): Promise<void>
  /** Lets this many milliseconds pass for all stored data, including leases, without waiting. */
  advance(ms: number): Promise<void>
}

export interface StoreSuite extends TestRunner {
  readonly advance: (ms: number) => Promise<void>
  /** Defines a test on an empty store. */
  test(name: string, run: (store: Store) => Promise<void>): void
}

export function createStoreSuite(runner: TestRunner, stores: StoresUnderTest): StoreSuite {
  return {
    ...runner,
    advance: (ms) => stores.advance(ms),
    test: (name, run) =>
      runner.it(name, async () => {
        await stores.reset()
        await run(await stores.create())
      }),
  }
}

export const NEVER: Deadline = { kind: 'never' }
export const MINUTE: Deadline = { kind: 'after', ms: 60_000 }
export const PAST: Deadline = { kind: 'after', ms: 0 }

export const scopeOf = (name: string): Scope => ({ prefix: `${name}|`, names: [name] })

export const item = (key: string, value: string | null = '"written"'): Item => ({ key, value, number: null })

export const writeInput = (input: Partial<WriteInput> = {}): WriteInput => ({
  deadline: NEVER,
  tags: null,
  asOf: null,
  ...input,
})

/** Returns a claim of one minute with a new token. */
export const claimRequest = (request: Partial<ClaimRequest> = {}): ClaimRequest => ({
  key: 'key',
  token: randomUUID(),
  leaseMs: 60_000,
  staleMs: 0,
  early: 0,
  force: false,
  sliding: undefined,
  ...request,
})

export const fillRequest = (token: string, request: Partial<FillRequest> = {}): FillRequest => ({
  key: 'key',
  token,
  value: '"filled"',
  number: null,
  deadline: NEVER,
  maxAgeMs: null,
  staleMs: 0,
  tags: null,
  asOf: null,
  computeMs: 0,
  ...request,
})

export const listInput = (input: Partial<ListInput> = {}, scope: Scope = ROOT): ListInput => ({
  range: keyRange(scope),
  isDirect: false,
  state: 'all',
  limit: 1_000,
  after: '',
  ...input,
})

export const sweepInput = (input: Partial<SweepInput> = {}): SweepInput => ({
  batch: 1_000,
  timeBudget: Number.POSITIVE_INFINITY,
  onProgress: undefined,
  signal: undefined,
  ...input,
})

/** Claims the lease and returns its token. */
export async function claimLease(store: Store, request: Partial<ClaimRequest> = {}): Promise<string> {
  const claim = claimRequest(request)
  const { value } = await store.readOrClaim(claim)
  if (value.claimed !== true) throw new Error(`Expected the store to grant the lease, got ${String(value.claimed)}.`)
  return claim.token
}

/** Claims the lease of a key and fills the key. */
export async function fillKey(store: Store, request: Partial<FillRequest> = {}): Promise<void> {
  const token = await claimLease(store, request.key === undefined ? {} : { key: request.key })
  const { value } = await store.fill(fillRequest(token, request))
  if (!value) throw new Error('Expected the store to accept a fill, because nothing else changed its key.')
}

/** Returns the stored text of a live entry. */
export async function textOf(store: Store, key = 'key'): Promise<string | null | undefined> {
  return (await store.read(key)).value?.value
}

export function fieldsOf(row: Row | undefined): Pick<Row, 'value' | 'number'> | undefined {
  return row && { value: row.value, number: row.number }
}
