/** Calls several nodes at once, waits for all of them, and reports each failure. */
import { type Reply, toReply } from '../../store/store.ts'
import { NodesError, takeCost, withCost } from '../../values/errors.ts'
import { addCosts, noCost } from '../../values/events.ts'

/** The reply of a node, or its failure. It has both if the node replied before it failed. */
export interface Part<R extends Reply<unknown>> {
  readonly node: string
  readonly reply?: R
  readonly failure?: unknown
  readonly hasFailed: boolean
}

/** Waits for every node, even if some fail. */
export async function settleNodes<R extends Reply<unknown>>(
  calls: readonly (readonly [node: string, reply: Promise<R>])[],
): Promise<Part<R>[]> {
  const outcomes = await Promise.allSettled(calls.map(([, reply]) => reply))
  return outcomes.map((outcome, i) => {
    const node = calls[i]?.[0] ?? ''
    return outcome.status === 'fulfilled'
      ? { node, reply: outcome.value, hasFailed: false }
      : { node, failure: outcome.reason, hasFailed: true }
  })
}

/**
 * Joins the values of all nodes, and adds up their costs. Failures that the nodes absorbed become one failure.
 *
 * @param isShown true if the error may carry the joined value of the nodes that replied. It must not carry rows, which
 *   are internal.
 * @throws NodesError if nodes rejected. If only one node was called, its own error.
 */
export function joinReplies<T, R>(
  parts: readonly Part<Reply<T>>[],
  join: (values: T[]) => R,
  isShown = false,
): Reply<R> {
  const replies = parts.flatMap(({ reply }) => (reply === undefined ? [] : [reply]))
  const value = () => join(replies.map((reply) => reply.value))
  const rejected = parts.filter(({ hasFailed }) => hasFailed)
  if (rejected.length > 0) {
    const cost = [...replies, ...rejected.map(({ failure }) => toReply(undefined, takeCost(failure)))]
      .map((reply) => reply.cost)
      .reduce(addCosts, noCost())
    throw withCost(errorOf(rejected, parts.length, isShown ? value() : undefined), cost)
  }
  const absorbed = parts.flatMap(({ node, reply }) =>
    reply?.failure === undefined ? [] : [{ node, failure: reply.failure, hasFailed: true }],
  )
  return {
    value: value(),
    cost: replies.reduce((cost, reply) => addCosts(cost, reply.cost), noCost()),
    ...(absorbed.length === 0 ? {} : { failure: errorOf(absorbed, parts.length, undefined) }),
  }
}

function errorOf(failed: readonly Part<Reply<unknown>>[], called: number, partial: unknown): unknown {
  if (called === 1) return failed[0]?.failure
  return new NodesError(new Map(failed.map(({ node, failure }) => [node, failure])), { called, partial })
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
