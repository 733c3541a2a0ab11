/**
 * Stores HTTP responses in Postgres. They are rows in the same table as all other entries, in their own namespace
 * `http`.
 */

import { countFailures, withCircuit } from '../../cache/circuit.ts'
import type { Cache } from '../../cache.ts'
import { variantKey } from '../../http/index.ts'
import { now } from '../../values/clock.ts'
import { jsonCodec } from '../../values/codec.ts'
import { describeType, InvalidOptionError } from '../../values/errors.ts'
import { type Cost, type Emit, noCost } from '../../values/events.ts'
import { keyRange, nestedScope, type Scope, storedKey, storedTags } from '../../values/key.ts'
import { utf8ToBytes } from '../../values/sha256.ts'
import { repeatIfRaced } from '../batches.ts'
import type { Operation } from '../operation.ts'
import { deadlineValues } from '../operations/fragments.ts'
import { release } from '../operations/release.ts'
import { type PostgresEngine, postgresEngineOf } from '../postgres-store.ts'
import { claimEitherWay } from '../write-refusals.ts'
import { deleteResponse } from './delete-response.ts'
import { fillResponse } from './fill-response.ts'
import { freshenResponse } from './freshen-response.ts'
import { markHitForMiss } from './mark-hit-for-miss.ts'
import { type PurgeValue, purgeHard, purgeSoft } from './purge.ts'
import { readResponse, readResponseUnclaimed } from './read-response.ts'
import { comparableTags, decodeResponse, encodeMeta, encodeResponse, type RowSettings } from './row.ts'
import type {
  ResponseAnswer,
  ResponseFill,
  ResponseFreshening,
  ResponsePurge,
  ResponseRead,
  ResponseStore,
} from './store.ts'

/** The namespace of responses, nested in the cache's namespace. */
export const RESPONSE_NAMESPACE = 'http'

/** Sorts right after all keys that start with a URL's key and a space, which are its variants. */
const AFTER_VARIANTS = '!'
/** Sorts right after the key itself: before its variants and parts. */
const AFTER_ITSELF = ' '
/**
 * Marks a part of the key, and distinguishes it from a variant. It sorts after all variants, because variants are
 * hexadecimal.
 */
const PART_MARK = 'part-'
/** Bytes reserved for a part and a variant. Each is a space and a SHA-256 digest in hexadecimal. */
const DERIVED_BYTES = 2 * 65 + PART_MARK.length
/**
 * The longest prefix that finds every key. A key that is too long ends in a hash, and only its start remains readable.
 */
const MAX_PREFIX_BYTES = 256

const storesByCache = new WeakMap<Cache, ResponseStore>()
const storesByEngine = new WeakMap<PostgresEngine, ResponseStore>()

/**
 * Returns the response store on the cache's Postgres engine, and creates it at the first call. The cache does not
 * create it itself, so that programs without a response cache do not load this code.
 *
 * @throws InvalidOptionError if the cache cannot store responses
 */
export function responseStoreOf(cache: Cache): ResponseStore {
  const known = typeof cache === 'object' && cache !== null ? storesByCache.get(cache) : undefined
  if (known !== undefined) return known
  const engine = postgresEngineOf(cache)
  if (engine === undefined) {
    throw new InvalidOptionError(
      `Expected a cache made by createCache, because other caches cannot store responses, got ${describeType(cache)}.`,
    )
  }
  const store = storesByEngine.get(engine) ?? createResponseStore(engine)
  storesByEngine.set(engine, store)
  storesByCache.set(cache, store)
  return store
}

/** Creates the response store of a cache's engine. */
export function createResponseStore(engine: PostgresEngine): ResponseStore {
  const { emit, scope: outer, store } = engine
  const { runner, refusals, responseCircuit: circuit } = store
  // Create the scope at the first use. A long namespace has no room for it, and must not fail in a cache that stores no
  // responses.
  let nested: Scope | undefined
  const scope = () => (nested ??= nestedScope(outer, RESPONSE_NAMESPACE))
  const send = <Row>(operation: Operation<Row>, values: Record<string, unknown>, cost: Cost) =>
    withCircuit(circuit, () => runner.run(operation, values, cost))
  return {
    emit,
    keyOf(urlKey, part) {
      const stored = storedUrl(scope(), urlKey)
      return part === undefined ? stored : `${stored} ${PART_MARK}${part}`
    },
    async read(request, cost) {
      const startedAt = now()
      const values = await readValues(request, engine)
      const open = async (operation: typeof readResponse, force: boolean) =>
        openRow((await send(operation, { ...values, force }, cost))[0], engine)
      const ask = (force: boolean) =>
        claimEitherWay(
          refusals,
          () => open(readResponse, force),
          // A forced read wants the lease, so a response alone does not answer it.
          async (refusal) =>
            force ? undefined : withoutClaim(request, await open(readResponseUnclaimed, force), refusal),
        )
      const answer = await ask(request.force)
      if (answer.unreadable === undefined) return answer
      emitUnreadable(emit, answer.unreadable, startedAt)
      // The statement counted the response as fresh. Claim the lease as if there were no response.
      return request.claims && !request.force && !answer.claimed ? await ask(true) : answer
    },
    async fill(request, cost) {
      const values = await fillValues(request, engine)
      return (await send(fillResponse, values, cost))[0]?.stored ?? false
    },
    async freshen(request, cost) {
      const values = await freshenValues(request, engine)
      return (await send(freshenResponse, values, cost))[0]?.stored ?? false
    },
    async delete({ key, token, hitForMissSnapshot }, cost) {
      await send(deleteResponse, { key, token, passedAt: hitForMissSnapshot ?? null }, cost)
    },
    async release(key, token, hitForMissMs, cost) {
      if (hitForMissMs > 0) await send(markHitForMiss, { key, token, hitForMissMs }, cost)
      else await send(release, { key, token }, cost)
    },
    purge: (request) =>
      countFailures(circuit, async () => {
        const values = { ...purgeValues(scope(), request), exceptToken: request.exceptToken ?? null }
        const rows = await repeatIfRaced(() => runner.run(request.soft ? purgeSoft : purgeHard, values))
        if (rows.length === 0) throw new TypeError('Expected one row from a purge, got none.')
        return rows.reduce((sum, { purged }) => sum + purged, 0)
      }),
  }
}

/** Returns the stored key of a URL, which leaves room for a part and a variant. */
export function storedUrl(scope: Scope, urlKey: string): string {
  return storedKey(scope, urlKey, DERIVED_BYTES)
}

/** Lists the fields, because to spread the request takes a tenth of all work of this process for a hit. */
async function readValues(request: ResponseRead, { codec }: RowSettings): Promise<Record<string, unknown>> {
  const { base, digests, token, leaseMs, claims, force, headOnly, sliding, noneMatch, modifiedSince, range } = request
  const part = range !== undefined && 'first' in range ? range : undefined
  const end = range !== undefined && 'suffix' in range ? range : undefined
  return {
    base,
    token,
    leaseMs,
    claims,
    force,
    headOnly,
    modifiedSince,
    digests: JSON.stringify(digests),
    ttlMs: sliding?.ttlMs,
    lifeMs: sliding?.lifeMs,
    maxAgeMs: sliding?.maxAgeMs,
    anyTag: noneMatch === '*',
    noneMatch: Array.isArray(noneMatch) ? await comparableTags(noneMatch, base, codec) : null,
    first: part?.first,
    last: part?.last,
    suffix: end?.suffix,
  }
}

async function fillValues(fill: ResponseFill, settings: RowSettings): Promise<Record<string, unknown>> {
  const { deadline, digests, hitForMissSnapshot, body: _, tags, ...request } = fill
  const expected = variantKeyOf(fill)
  return {
    ...request,
    ...deadlineValues(deadline),
    ...(await encodeResponse({ ...fill, key: expected }, settings)),
    // A codec binds a response to its key. The statement computes a different key if the URL's row has gained names
    // since the read.
    expected: settings.codec === jsonCodec ? null : expected,
    passedAt: hitForMissSnapshot ?? null,
    digests: JSON.stringify(digests),
    date: fill.meta.date,
    tags: storedTags(tags ?? []),
  }
}

async function freshenValues(
  { deadline, hitForMissSnapshot, tags, ...request }: ResponseFreshening,
  settings: RowSettings,
): Promise<Record<string, unknown>> {
  return {
    ...request,
    ...deadlineValues(deadline),
    passedAt: hitForMissSnapshot ?? null,
    meta: await encodeMeta(request, settings),
    tags: storedTags(tags ?? []),
  }
}

/** Returns the key under which the statement stores a response if the URL's row has no other names. */
function variantKeyOf({ base, names, digests }: ResponseFill): string {
  const variant = variantKey([...new Set(names)].sort(), new Map(Object.entries(digests)))
  return variant === '' ? base : `${base} ${variant}`
}

/** @throws InvalidKeyError */
export function purgeValues(
  scope: Scope,
  { bases = [], keys = [], prefixes = [], tags }: ResponsePurge,
): Record<PurgeValue, unknown> {
  const ranges = [
    ...bases.map((base) => ({ from: base, to: `${base}${AFTER_VARIANTS}` })),
    ...keys.map((key) => ({ from: key, to: `${key}${AFTER_ITSELF}` })),
    ...prefixes.map((prefix) => keyRange(scope, truncatePrefix(prefix, scope))),
  ]
  return {
    bases: [...bases, ...keys],
    froms: ranges.map(({ from }) => from),
    tos: ranges.map(({ to }) => to),
    tags: tags === undefined ? null : (storedTags(tags) ?? []),
  }
}

/** Shortens a prefix that is too long. The purge then removes a few more responses, which only costs misses. */
function truncatePrefix(prefix: string, { prefix: scope }: Scope): string {
  return prefix.slice(0, Math.max(1, MAX_PREFIX_BYTES - utf8ToBytes(scope).length))
}

type ResponseRow = typeof readResponse extends Operation<infer Row> ? Row : never

interface OpenedAnswer extends ResponseAnswer {
  /** The error if the row cannot be decoded. The answer then has no entry. */
  readonly unreadable?: unknown
}

async function openRow(row: ResponseRow | undefined, { codec }: RowSettings): Promise<OpenedAnswer> {
  if (row === undefined) throw new TypeError('Expected one row from the read of a response, got none.')
  const { key, names, state, meta, expiresAt, claimed, heldMs, hitForMissSnapshot } = row
  const answer = {
    key,
    names: names ?? undefined,
    entry: undefined,
    now: row.now,
    claimed,
    heldMs: heldMs ?? undefined,
    hitForMissSnapshot: hitForMissSnapshot ?? undefined,
  }
  if (meta === null || (state !== 'live' && state !== 'stale')) return answer
  try {
    const decoded = await decodeResponse({ ...row, meta }, codec)
    return { ...answer, entry: { state, ...decoded, expiresAt: expiresAt ?? undefined } }
  } catch (unreadable) {
    return { ...answer, unreadable }
  }
}

/**
 * Returns the answer of a read without a claim. Returns undefined if the request found no response, and so needs the
 * lease.
 */
function withoutClaim({ claims }: ResponseRead, answer: OpenedAnswer, refusal: unknown): OpenedAnswer | undefined {
  if (!claims || answer.entry?.state === 'live') return answer
  return answer.entry && { ...answer, refusal }
}

/** Reports no cost, because the caller's next event includes it. */
function emitUnreadable(emit: Emit | undefined, error: unknown, startedAt: number): void {
  emit?.({ type: 'error', operation: 'responseCache', error, durationMs: now() - startedAt, ...noCost() })
}
