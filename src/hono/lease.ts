/** The lease of a URL in the hands of the request that asks the handler for all others, or of one that goes without. */
import type { ForwardReason } from '../http/index.ts'
import type { ResponseAnswer } from '../postgres/responses/store.ts'
import { CacheError } from '../values/errors.ts'
import { type Exchange, handOver, tellFailure } from './exchange.ts'

/** Failures after which there is nobody to give a lease back to. */
const AWAY: ReadonlySet<string> = new Set(['DATABASE', 'TIMEOUT', 'CIRCUIT_OPEN'])

/** For so long nobody waits for the next answer of a URL whose last could not be shared, unless one can. */
export const PASS_MS = 5_000

export interface Lead {
  readonly x: Exchange
  readonly answer: ResponseAnswer
  readonly fwd: ForwardReason
  /** Told when the lease has been given back, for those of this process who wait. */
  readonly onEnd: () => void
}

/** Whether what comes may be stored: not by who asks beside the one that holds the lease. */
export function mayKeep({ answer }: Lead): boolean {
  return answer.claimed || answer.passedAt !== undefined
}

export async function end(lead: Lead, passMs: number): Promise<void> {
  await handOver(lead.x, finish(lead, release(lead, passMs)))
}

/** @param passMs for how long nobody waits for the next answer */
export async function release({ x, answer }: Lead, passMs: number): Promise<void> {
  if (!answer.claimed) return
  await x.store.release(answer.key, x.token, passMs, x.cost)
}

/** Work after the answer: its failure is only told. */
export async function finish(lead: Lead, work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    tellFailure(lead.x, error)
    // The store answered, and refused: nobody need wait until the lease has run out.
    if (!isAway(error)) await release(lead, PASS_MS).catch(() => {})
  } finally {
    lead.onEnd()
  }
}

function isAway(error: unknown): boolean {
  return !(error instanceof CacheError) || AWAY.has(error.code)
}
