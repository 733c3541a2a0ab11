/** What a computation is given: it may decide, while it runs, how its value is stored. */
import type { Fill } from '../cache.ts'
import { now, wallClock } from '../values/clock.ts'
import { type Deadline, parseExpiration } from '../values/expiration.ts'
import { storedTags } from '../values/key.ts'
import { type Plan, slidingOf } from './options.ts'

export interface FillState {
  readonly fill: Fill
  /** What was decided by the time of the call. */
  decided(): { deadline: Deadline; tags: string[] | null; isSkipped: boolean }
}

/** By the fills that computations are given: whether their caller was answered with the computed value. */
const isAnswer = new WeakMap<Fill, boolean>()

/** Notes that a caller is answered with what its own computation returned. */
export function noteAnswer(fill: Fill): void {
  isAnswer.set(fill, true)
}

/** Whether a caller was answered with its own computation's value; undefined if the fill was not made here. */
export function wasAnswer(fill: Fill): boolean | undefined {
  return isAnswer.get(fill)
}

export function createFill(key: string, plan: Plan, slack: number): FillState {
  const tags = new Set(plan.tags)
  let deadline = stored(plan.deadline, plan, slack)
  let isSkipped = false
  const signal = plan.signal ?? new AbortController().signal
  const fill: Fill = {
    key,
    signal,
    expireIn(expiration) {
      deadline = stored(parseExpiration(expiration, now()), plan, slack)
    },
    tag(...more) {
      for (const tag of storedTags(more) ?? []) tags.add(tag)
    },
    skip() {
      isSkipped = true
    },
  }
  isAnswer.set(fill, false)
  return {
    fill,
    decided: () => ({ deadline, tags: tags.size === 0 ? null : [...tags], isSkipped }),
  }
}

/** A sliding entry is stored with its slack, so that its first reads are not due; one that is to be absent needs no span. */
function stored(deadline: Deadline, { sliding, maxAgeMs }: Plan, slack: number): Deadline {
  if (sliding === undefined || isOver(deadline)) return deadline
  return { kind: 'after', ms: slidingOf(deadline, maxAgeMs, slack).lifeMs }
}

function isOver(deadline: Deadline): boolean {
  return deadline.kind === 'after' ? deadline.ms <= 0 : deadline.kind === 'at' && deadline.epochMs <= wallClock()
}
