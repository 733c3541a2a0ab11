/** HTTP responses on Postgres: rows in the same table as all other entries, in their own namespace `http`. */

import { countFailures, withCircuit } from '../../cache/fail-soft.ts'
import { keyRange, nestedScope, type Scope, storedKey, storedTags } from '../../values/key.ts'
import { utf8ToBytes } from '../../values/sha256.ts'
import { againIfRaced } from '../batches.ts'
import type { Operation } from '../operation.ts'
import { deadlineValues } from '../operations/fragments.ts'
import { release } from '../operations/release.ts'
import type { PostgresEngine } from '../postgres-store.ts'
import { bodyBytes, bodyText } from './body.ts'
import { fillResponse } from './fill-response.ts'
import { freshenResponse } from './freshen-response.ts'
import { markHitForMiss } from './mark-hit-for-miss.ts'
import { type PurgeValue, purgeHard, purgeSoft } from './purge.ts'
import { readResponse } from './read-response.ts'
import type { ResponseAnswer, ResponseFill, ResponsePurge, ResponseRead, ResponseStore } from './store.ts'

/** The namespace of responses, nested in the namespace of their cache. */
export const RESPONSE_NAMESPACE = 'http'

/** Sorts right after all keys that start with a URL's key and a space, which are its variants. */
const AFTER_VARIANTS = '!'
/** Marks a part of the key, and tells it from a variant. It sorts after all variants, because those are hexadecimal. */
const PART_MARK = 'part-'
/** The room for a part of the key and a variant: each is a space and a SHA-256 in hexadecimal. */
const DERIVED_BYTES = 2 * 65 + PART_MARK.length
/** The longest prefix that finds every key. A key that is too long ends in a hash, and only its start remains readable. */
const MAX_PREFIX_BYTES = 256

/** Creates the response store of a cache's engine. */
export function createResponseStore({ emit, scope: outer, store }: PostgresEngine): ResponseStore {
  const { runner, responseCircuit: circuit } = store
  // Created at the first use: a long namespace has no room for a nested one, and needs none if it stores no responses.
  let nested: Scope | undefined
  const scope = () => (nested ??= nestedScope(outer, RESPONSE_NAMESPACE))
  return {
    emit,
    keyOf(urlKey, part) {
      const stored = storedUrl(scope(), urlKey)
      return part === undefined ? stored : `${stored} ${PART_MARK}${part}`
    },
    read: (request, cost) =>
      withCircuit(circuit, async () => toAnswer((await runner.run(readResponse, readValues(request), cost))[0])),
    fill: (request, cost) =>
      withCircuit(circuit, async () => (await runner.run(fillResponse, fillValues(request), cost))[0]?.stored ?? false),
    freshen: (request, cost) =>
      withCircuit(circuit, async () => {
        const { deadline, hitForMissSnapshot, meta, tags, ...rest } = request
        const values = {
          ...rest,
          ...deadlineValues(deadline),
          passedAt: hitForMissSnapshot ?? null,
          meta: JSON.stringify(meta),
          tags: storedTags(tags ?? []),
        }
        return (await runner.run(freshenResponse, values, cost))[0]?.stored ?? false
      }),
    release: (key, token, hitForMissMs, cost) =>
      withCircuit(circuit, async () => {
        if (hitForMissMs > 0) await runner.run(markHitForMiss, { key, token, hitForMissMs }, cost)
        else await runner.run(release, { key, token }, cost)
      }),
    purge: (request) =>
      countFailures(circuit, async () => {
        const values: Record<string, unknown> = purgeValues(scope(), request)
        const rows = await againIfRaced(() => runner.run(request.soft ? purgeSoft : purgeHard, values))
        if (rows.length === 0) throw new TypeError('A purge answers with one row.')
        return rows.reduce((sum, { purged }) => sum + purged, 0)
      }),
  }
}

/** Returns the stored key of a URL. */
export function storedUrl(scope: Scope, urlKey: string): string {
  return storedKey(scope, urlKey, DERIVED_BYTES)
}

function readValues({
  sliding,
  digests,
  noneMatch,
  modifiedSince,
  range: _,
  ...request
}: ResponseRead): Record<string, unknown> {
  return {
    ...request,
    ttlMs: null,
    lifeMs: null,
    maxAgeMs: null,
    ...sliding,
    digests: JSON.stringify(digests),
    anyTag: noneMatch === '*',
    noneMatch: noneMatch === '*' ? null : (noneMatch ?? null),
    modifiedSince: modifiedSince ?? null,
  }
}

function fillValues(fill: ResponseFill): Record<string, unknown> {
  const { deadline, digests, hitForMissSnapshot, meta: given, tags, ...request } = fill
  const { text, base64 } = bodyText(fill.body)
  const meta = base64 ? { ...given, base64: true } : given
  return {
    ...request,
    body: text,
    ...deadlineValues(deadline),
    passedAt: hitForMissSnapshot ?? null,
    digests: JSON.stringify(digests),
    meta: JSON.stringify(meta),
    date: meta.date,
    tags: storedTags(tags ?? []),
  }
}

/** @throws InvalidKeyError */
export function purgeValues(
  scope: Scope,
  { bases = [], prefixes = [], tags }: ResponsePurge,
): Record<PurgeValue, unknown> {
  const ranges = [
    ...bases.map((base) => ({ from: base, to: `${base}${AFTER_VARIANTS}` })),
    ...prefixes.map((prefix) => keyRange(scope, truncatePrefix(prefix, scope))),
  ]
  return {
    bases,
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

function toAnswer(row: ResponseRow | undefined): ResponseAnswer {
  if (row === undefined) throw new TypeError('A read of a response answers with one row.')
  const { key, names, state, meta, hasBody, body, expiresAt, claimed, heldMs, hitForMissSnapshot } = row
  return {
    key,
    names: names ?? undefined,
    entry:
      meta !== null && (state === 'live' || state === 'stale')
        ? {
            state,
            meta,
            body: hasBody ? { bytes: bodyBytes(body ?? '', meta.base64 === true), offset: 0 } : undefined,
            expiresAt: expiresAt ?? undefined,
          }
        : undefined,
    now: row.now,
    claimed,
    heldMs: heldMs ?? undefined,
    hitForMissSnapshot: hitForMissSnapshot ?? undefined,
  }
}
