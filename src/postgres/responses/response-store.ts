/** HTTP responses on Postgres: rows beside all others, in a namespace of their own, `http`. */

import { utf8ToBytes } from '@noble/hashes/utils.js'
import { countFailures, withCircuit } from '../../cache/fail-soft.ts'
import { keyRange, nestedScope, type Scope, storedKey, storedTags } from '../../values/key.ts'
import { againIfRaced } from '../batches.ts'
import type { Operation } from '../operation.ts'
import { deadlineValues } from '../operations/fragments.ts'
import { release } from '../operations/release.ts'
import type { PostgresEngine } from '../postgres-store.ts'
import { fillResponse } from './fill-response.ts'
import { freshenResponse } from './freshen-response.ts'
import { passLease } from './pass-lease.ts'
import { type PurgeValue, purgeHard, purgeSoft } from './purge.ts'
import { readResponse } from './read-response.ts'
import type { ResponseAnswer, ResponseFill, ResponsePurge, ResponseRead, ResponseStore } from './store.ts'

/** The namespace of responses, below that of their cache. */
export const RESPONSE_NAMESPACE = 'http'

/** Sorts right after everything that begins with a URL's key and a space: its variants. */
const AFTER_VARIANTS = '!'
/** Tells a part of the key from a variant, and sorts after all of those, which are hexadecimal. */
const PART_MARK = 'part-'
/** A space and a SHA-256 in hexadecimal, for a part of the key and for the variant. */
const DERIVED_BYTES = 2 * 65 + PART_MARK.length
/** What is left of the longest keys, whose end is a hash: a longer beginning would not find them. */
const MAX_PREFIX_BYTES = 256

export function responding({ emit, scope: outer, store }: PostgresEngine): ResponseStore {
  const { runner, responseCircuit: circuit } = store
  // Made when first asked for: a long namespace has no room for another below it, and need not have.
  let made: Scope | undefined
  const scope = () => (made ??= nestedScope(outer, RESPONSE_NAMESPACE))
  return {
    emit,
    keyOf(urlKey, part) {
      const stored = storedUrl(scope(), urlKey)
      return part === undefined ? stored : `${stored} ${PART_MARK}${part}`
    },
    read: (request, cost) =>
      withCircuit(circuit, async () => answerOf((await runner.run(readResponse, readValues(request), cost))[0])),
    fill: (request, cost) =>
      withCircuit(circuit, async () => (await runner.run(fillResponse, fillValues(request), cost))[0]?.stored ?? false),
    freshen: (request, cost) =>
      withCircuit(circuit, async () => {
        const { deadline, meta, tags } = request
        const values = {
          ...request,
          ...deadlineValues(deadline),
          passedAt: request.passedAt ?? null,
          meta: JSON.stringify(meta),
          tags: storedTags(tags ?? []),
        }
        return (await runner.run(freshenResponse, values, cost))[0]?.stored ?? false
      }),
    release: (key, token, passMs, cost) =>
      withCircuit(circuit, async () => {
        if (passMs > 0) await runner.run(passLease, { key, token, passMs }, cost)
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

/** A URL's key as it is stored. */
export function storedUrl(scope: Scope, urlKey: string): string {
  return storedKey(scope, urlKey, DERIVED_BYTES)
}

function readValues({ sliding, digests, noneMatch, modifiedSince, ...request }: ResponseRead): Record<string, unknown> {
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

function fillValues({ deadline, digests, meta, tags, ...request }: ResponseFill): Record<string, unknown> {
  return {
    ...request,
    ...deadlineValues(deadline),
    passedAt: request.passedAt ?? null,
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
    ...prefixes.map((prefix) => keyRange(scope, cut(prefix, scope))),
  ]
  return {
    bases,
    froms: ranges.map(({ from }) => from),
    tos: ranges.map(({ to }) => to),
    tags: tags === undefined ? null : (storedTags(tags) ?? []),
  }
}

/** Rather purges a few more than are meant. */
function cut(prefix: string, { prefix: scope }: Scope): string {
  return prefix.slice(0, Math.max(1, MAX_PREFIX_BYTES - utf8ToBytes(scope).length))
}

type ResponseRow = typeof readResponse extends Operation<infer Row> ? Row : never

function answerOf(row: ResponseRow | undefined): ResponseAnswer {
  if (row === undefined) throw new TypeError('A read of a response answers with one row.')
  const { key, names, state, meta, hasBody, body, expiresAt, claimed, heldMs, passedAt } = row
  return {
    key,
    names: names ?? undefined,
    entry:
      meta !== null && (state === 'live' || state === 'kept')
        ? {
            state,
            meta,
            body: hasBody ? (body ?? '') : undefined,
            expiresAt: expiresAt ?? undefined,
          }
        : undefined,
    now: row.now,
    claimed,
    heldMs: heldMs ?? undefined,
    passedAt: passedAt ?? undefined,
  }
}
