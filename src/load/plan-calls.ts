/** Plans the calls of a client and their order. The same seed gives the same plan, whatever the other clients do. */
import { seededRandom } from '../values/seeded-random.ts'
import type { KeyKind, OperationName } from './history.ts'
import type { LoadPlan } from './options.ts'

export interface PlannedCall {
  readonly operation: OperationName
  readonly kind: KeyKind | 'none'
  readonly key: string
}

type Choice = readonly [weight: number, operation: OperationName, kind: KeyKind | 'none']

const READS: readonly Choice[] = [
  [4, 'get', 'register'],
  [3, 'getOrSet', 'fill'],
  [1, 'get', 'fill'],
  [2, 'get', 'deadline'],
]

const WRITES: readonly Choice[] = [
  [8, 'set', 'register'],
  [2, 'delete', 'register'],
  [6, 'increment', 'counter'],
  [2, 'delete', 'fill'],
  [2, 'invalidate', 'fill'],
  [4, 'set', 'deadline'],
  [1, 'clearExpired', 'none'],
]

/** Seeds of clients differ by a prime, so that neighbouring clients and seeds do not share a sequence. */
const SEED_STEP = 7919

export function* planCalls(plan: LoadPlan, client: number): Generator<PlannedCall> {
  const random = seededRandom(plan.seed + client * SEED_STEP)
  for (let i = 0; i < plan.operations; i++) {
    const [, operation, kind] = pick(random() < plan.readShare ? READS : WRITES, random())
    yield { operation, kind, key: kind === 'none' ? '' : `${kind}-${Math.floor(random() * plan.keys)}` }
  }
}

function pick(choices: readonly Choice[], at: number): Choice {
  let left = at * choices.reduce((sum, [weight]) => sum + weight, 0)
  for (const choice of choices) {
    left -= choice[0]
    if (left < 0) return choice
  }
  return choices[0] as Choice
}
