/** The requests of the store contract, with defaults. */
import type { ClaimRequest, FillRequest } from '../../store/claims.ts'
import type { ListInput, SweepInput } from '../../store/inputs.ts'
import type { Item, MaybePromise, Row, Store, WriteInput } from '../../store/store.ts'
import type { Deadline } from '../../values/expiration.ts'
import { keyRange, ROOT, type Scope } from '../../values/key.ts'
import { randomUUID } from '../../values/random.ts'
import type { TestRunner } from '../contract/suite.ts'

export interface StoresUnderTest {
  /** A store over the same storage at each call. */
  create(): MaybePromise<Store>
  /** Removes everything from that storage. */
  reset(): Promise<void>
  /** Makes so many milliseconds pass for everything stored, leases included, without waiting. */
  advance(ms: number): Promise<void>
}

export interface StoreSuite extends TestRunner {
  readonly advance: (ms: number) => Promise<void>
  /** One test on an empty store. */
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

export const writing = (input: Partial<WriteInput> = {}): WriteInput => ({
  deadline: NEVER,
  tags: null,
  asOf: null,
  ...input,
})

/** A claim of a minute by a token of its own. */
export const claiming = (request: Partial<ClaimRequest> = {}): ClaimRequest => ({
  key: 'key',
  token: randomUUID(),
  leaseMs: 60_000,
  staleMs: 0,
  early: 0,
  force: false,
  sliding: undefined,
  ...request,
})

export const filling = (token: string, request: Partial<FillRequest> = {}): FillRequest => ({
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

export const listing = (input: Partial<ListInput> = {}, scope: Scope = ROOT): ListInput => ({
  range: keyRange(scope),
  isDirect: false,
  state: 'all',
  limit: 1_000,
  after: '',
  ...input,
})

export const sweeping = (input: Partial<SweepInput> = {}): SweepInput => ({
  batch: 1_000,
  timeBudget: Number.POSITIVE_INFINITY,
  onProgress: undefined,
  signal: undefined,
  ...input,
})

/** Claims the lease and answers with its token. */
export async function claimed(store: Store, request: Partial<ClaimRequest> = {}): Promise<string> {
  const claim = claiming(request)
  const { value } = await store.readOrClaim(claim)
  if (value.claimed !== true) throw new Error(`Expected the store to grant the lease, got ${String(value.claimed)}.`)
  return claim.token
}

/** Claims and fills. */
export async function filled(store: Store, request: Partial<FillRequest> = {}): Promise<void> {
  const token = await claimed(store, request.key === undefined ? {} : { key: request.key })
  const { value } = await store.fill(filling(token, request))
  if (!value) throw new Error('Expected the store to take a fill that nothing had overtaken.')
}

/** The stored text of a live entry. */
export async function textOf(store: Store, key = 'key'): Promise<string | null | undefined> {
  return (await store.read(key)).value?.value
}

export function fieldsOf(row: Row | undefined): Pick<Row, 'value' | 'number'> | undefined {
  return row && { value: row.value, number: row.number }
}
