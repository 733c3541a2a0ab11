/** `getOrSet` on Postgres: the three steps as statements; what they are for is in `src/fill`. */

import type { Cache, GetOrSetOptions } from '../cache.ts'
import { keepingSteps } from '../fill/keeping.ts'
import type { ClaimAnswer, ClaimRequest, FillRequest, FillStore } from '../fill/store.ts'
import type { About } from '../store/copies.ts'
import type { GetOrSetKeeping, Refresh } from '../store/internals.ts'
import type { News, NewsReader } from '../store/news.ts'
import type { Cost } from '../values/events.ts'
import { storedKey } from '../values/key.ts'
import type { Circuit } from './circuit.ts'
import type { Context } from './context.ts'
import { guarded } from './fail-soft.ts'
import type { Operation } from './operation.ts'
import { fill } from './operations/fill.ts'
import { deadlineValues } from './operations/fragments.ts'
import { readOne } from './operations/read-one.ts'
import {
  readOrClaim,
  readOrClaimSliding,
  readOrClaimSlidingWithNews,
  readOrClaimWithNews,
} from './operations/read-or-claim.ts'
import { release } from './operations/release.ts'
import type { Runner } from './runner.ts'
import { isKnownToRefuse, noteRefusal, readSlidingRow } from './sliding.ts'

/** The steps of a fill on the cache's tables. */
export function postgresFillStore(runner: Runner, circuit: Circuit | undefined): FillStore {
  return {
    readOrClaim: (request, cost) =>
      guarded(circuit, async () => {
        if (runner.isInTransaction) return readOnly(runner, request, cost)
        const live = isKnownToRefuse(runner) ? await liveRow(runner, request, cost) : undefined
        return live ?? claim(runner, request, cost)
      }),
    fill: (request, cost) =>
      guarded(circuit, async () => (await runner.run(fill, fillValues(request), cost))[0]?.stored ?? false),
    release: (key, token, cost) =>
      guarded(circuit, async () => {
        await runner.run(release, { key, token }, cost)
      }),
  }
}

/** @throws DatabaseError, also where the database refuses writes and nothing is live: nobody could store what is computed */
async function claim(runner: Runner, request: ClaimRequest, cost: Cost): Promise<ClaimAnswer> {
  try {
    const [row] = await runner.run(claimOperation(request), claimValues(request), cost)
    await tellNews(request.news, row?.news)
    return answerOf(row, request.about === true)
  } catch (error) {
    const live = noteRefusal(runner, error) ? await liveRow(runner, request, cost) : undefined
    if (live === undefined) throw error
    return live
  }
}

/** A hit that writes nothing. */
async function liveRow(runner: Runner, { key, force }: ClaimRequest, cost: Cost): Promise<ClaimAnswer | undefined> {
  if (force) return undefined
  const [row] = await runner.run(readOne, { key }, cost)
  return row && { entry: { ...row, state: 'live' }, claimed: false, heldMs: undefined }
}

/**
 * Inside a transaction of the caller's: a lease would keep all others waiting until it ends, and what is computed there may
 * be made of what nobody else may see yet.
 */
async function readOnly(runner: Runner, { key, sliding }: ClaimRequest, cost: Cost): Promise<ClaimAnswer> {
  const row =
    sliding === undefined
      ? (await runner.run(readOne, { key }, cost))[0]
      : await readSlidingRow(runner, key, sliding, cost)
  return { entry: row && { ...row, state: 'live' }, claimed: 'unavailable', heldMs: undefined }
}

export function filling({ filler, scope, steps, codec }: Context) {
  const refresh: Refresh = async (key, compute, options) => filler.refresh(key, storedKey(scope, key), compute, options)
  const getOrSetKeeping: GetOrSetKeeping = async (key, compute, options, keep, news) =>
    filler.getOrSet(key, storedKey(scope, key), compute, options, keepingSteps(steps, codec, keep, news))
  return {
    refresh,
    getOrSetKeeping,
    getOrSet: (async (key: string, compute: unknown, options?: GetOrSetOptions) =>
      filler.getOrSet(key, storedKey(scope, key), compute, options)) as Cache['getOrSet'],
  }
}

function claimOperation({ sliding, news }: ClaimRequest) {
  if (news === undefined) return sliding === undefined ? readOrClaim : readOrClaimSliding
  return sliding === undefined ? readOrClaimWithNews : readOrClaimSlidingWithNews
}

function claimValues({ sliding, news, ...request }: ClaimRequest): Record<string, unknown> {
  return { about: false, ...request, ...sliding, ...(news && { since: news.since() }) }
}

/** Hands over what a statement told besides. */
export async function tellNews(reader: NewsReader | undefined, news: News | null | undefined): Promise<void> {
  if (reader !== undefined && news != null) await reader.told(news)
}

function fillValues({ deadline, ...request }: FillRequest): Record<string, unknown> {
  return { ...request, ...deadlineValues(deadline) }
}

/** What a copy of an entry needs, as a row tells it. */
export function aboutOf({ remainingMs, tags }: { remainingMs: number | null; tags: string[] | null }): About {
  return { remainingMs: remainingMs ?? Number.POSITIVE_INFINITY, tags }
}

type ClaimRow = typeof readOrClaim extends Operation<infer Row> ? Row : never

function answerOf(row: ClaimRow | undefined, isAbout: boolean): ClaimAnswer {
  if (row === undefined) return { entry: undefined, claimed: false, heldMs: undefined }
  const { state, value, number, claimed, heldMs } = row
  const about = isAbout ? aboutOf(row) : undefined
  const servableMs = row.servableMs ?? undefined
  return {
    entry: state === 'live' || state === 'stale' ? { state, value, number, about, servableMs } : undefined,
    claimed,
    heldMs: heldMs ?? undefined,
  }
}
