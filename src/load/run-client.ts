/** One client: makes its calls one after the other and records the results. */
import { seededRandom } from '../values/seeded-random.ts'
import type { Recorded } from './history.ts'
import { type Answer, type CallContext, type LoadTarget, makeCall } from './make-call.ts'
import type { LoadPlan } from './options.ts'
import { type PlannedCall, planCalls } from './plan-calls.ts'

export interface ClientRun {
  readonly plan: LoadPlan
  /** The number of the client, unique in all processes. */
  readonly client: number
  readonly target: LoadTarget
  readonly tagPrefix: string
  readonly now: () => number
  /** Returns true once no further call may begin. */
  readonly isOver: () => boolean
  readonly onCall: (record: Recorded) => void
}

export async function runClient(run: ClientRun): Promise<void> {
  const context = createContext(run)
  for (const call of planCalls(run.plan, run.client)) {
    if (run.isOver()) return
    run.onCall(await record(call, run.client, context))
  }
}

function createContext({ plan, client, target, tagPrefix, now }: ClientRun): CallContext {
  let versions = 0
  return {
    cache: target.cache,
    clock: () => target.clock(),
    now,
    tagPrefix,
    padding: 'x'.repeat(plan.valueBytes),
    nextVersion: () => `${client}.${++versions}`,
    // Not the sequence of the plan, because the number of draws here depends on the other clients.
    random: seededRandom(~(plan.seed + client)),
  }
}

async function record(call: PlannedCall, client: number, context: CallContext): Promise<Recorded> {
  const answer: { -readonly [Field in keyof Answer]: Answer[Field] } = {}
  const start = context.now()
  try {
    await makeCall(call, context, (part) => Object.assign(answer, part))
    return { ...call, client, start, end: context.now(), ...answer }
  } catch (error) {
    const failed = error instanceof Error ? error.name : typeof error
    return { ...call, client, start, end: context.now(), ...answer, failed }
  }
}
