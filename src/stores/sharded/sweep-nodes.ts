/** Runs `clearExpired` on all nodes at once. A node that fails does not stop the cleanup of the others. */
import type { CleanupResult } from '../../cache.ts'
import type { SweepInput } from '../../store/inputs.ts'
import type { Reply, Store } from '../../store/store.ts'
import { now } from '../../values/clock.ts'
import { addCosts, noCost } from '../../values/events.ts'
import { inBatches, timeLimit } from '../../values/in-batches.ts'
import type { Scope } from '../../values/key.ts'
import { joinReplies, type Part, settleNodes, sum } from './fan-out.ts'

type Stores = ReadonlyMap<string, Store>
type Swept = Part<Reply<CleanupResult>>
type Sweep = (node: string, input: Partial<SweepInput>) => Promise<Reply<CleanupResult>>

/** @throws NodesError with the result of the other nodes */
export async function sweepNodes(stores: Stores, scope: Scope, input: SweepInput): Promise<Reply<CleanupResult>> {
  const sweep: Sweep = async (node, own) => (stores.get(node) as Store).sweep(scope, { ...input, ...own })
  // The caller notices the end of a batch only by `onProgress`, `signal` or a time budget of 0.
  const isObserved = input.onProgress !== undefined || input.signal !== undefined || input.timeBudget === 0
  const nodes = [...stores.keys()]
  const parts = isObserved
    ? await sweepInBatches(nodes, sweep, input)
    : await settleNodes(nodes.map((node) => [node, sweep(node, {})]))
  const hasFailed = parts.some((part) => part.hasFailed)
  return joinReplies(parts, (results) => joinResults(results, hasFailed), true)
}

/** Cleans up in batches that all nodes share, so that all options mean the same as for one store. */
async function sweepInBatches(nodes: readonly string[], sweep: Sweep, input: SweepInput): Promise<Swept[]> {
  const startedAt = now()
  const parts = new Map<string, Swept>()
  const countRemoved = () => sum([...parts.values()].map(({ reply }) => reply?.value.removed ?? 0))
  /** How many entries each node has removed in a call that has not ended yet. */
  const running = new Map<string, number>()
  const report = (node: string, count: number) => {
    running.set(node, count)
    input.onProgress?.(countRemoved() + sum([...running.values()]))
  }
  const keep = (round: readonly Swept[]) => {
    running.clear()
    for (const part of round) parts.set(part.node, addResults(parts.get(part.node), part))
  }
  let waiting = nodes
  for (const { size } of inBatches({ size: () => input.batch, isOver: timeLimit(input) })) {
    const timeBudget = Math.max(0, input.timeBudget - (now() - startedAt))
    const sweepIn: Sweep = (node, own) => sweep(node, { timeBudget, ...own })
    await sweepBatch(waiting, (node, batch) => sweepShare(node, sweepIn, batch, report), size, keep)
    input.onProgress?.(countRemoved())
    waiting = waiting.filter((node) => mayHaveMore(parts.get(node)))
    if (waiting.length === 0) break
  }
  // No batch had room for these nodes, so they may have entries to remove.
  const left = nodes.filter((node) => !parts.has(node))
  const untouched: Reply<CleanupResult> = { value: { removed: 0, more: true }, cost: noCost() }
  return [...parts.values(), ...left.map((node) => ({ node, reply: untouched, hasFailed: false }))]
}

/**
 * Runs one batch. Its nodes get equal shares. If some nodes need less, the others get the rest.
 *
 * @param keep gets the results of the nodes
 */
async function sweepBatch(
  nodes: readonly string[],
  sweep: (node: string, batch: number) => Promise<Reply<CleanupResult>>,
  size: number,
  keep: (round: readonly Swept[]) => void,
): Promise<void> {
  let waiting = nodes
  for (let room = size; waiting.length > 0 && room > 0; ) {
    const called = waiting.slice(0, room)
    const shareOf = (i: number) => Math.floor(room / called.length) + (i < room % called.length ? 1 : 0)
    const round = await settleNodes(called.map((node, i) => [node, sweep(node, shareOf(i))]))
    const isFull = round.map(({ reply }, i) => reply?.value.more === true && reply.value.removed === shareOf(i))
    keep(round)
    room -= sum(round.map(({ reply }) => reply?.value.removed ?? 0))
    waiting = [...waiting.slice(called.length), ...called.filter((_, i) => isFull[i])]
  }
}

async function sweepShare(
  node: string,
  sweep: Sweep,
  batch: number,
  report: (node: string, removed: number) => void,
): Promise<Reply<CleanupResult>> {
  const first = await sweep(node, { batch, timeBudget: 0, onProgress: undefined })
  const { more, removed, evicted } = first.value
  // The node scanned a part without entries to remove. Only a run with a time budget goes on from there.
  if (!more || removed > 0 || evicted) return first
  const second = await sweep(node, { batch, onProgress: (removed) => report(node, removed) })
  return { value: second.value, cost: addCosts(first.cost, second.cost) }
}

/**
 * True if the next batch must call the node, because it has more to remove, or because no batch had room for it yet. A
 * node that evicted entries leaves the rest to the next run, as it would on its own.
 */
function mayHaveMore(part: Swept | undefined): boolean {
  if (part === undefined) return true
  const swept = part.reply?.value
  return !part.hasFailed && swept?.more === true && !swept.evicted
}

/** Adds up two results of one node. The entries that it removed before it failed count. */
function addResults(before: Swept | undefined, part: Swept): Swept {
  const [earlier, { reply }] = [before?.reply, part]
  if (earlier === undefined) return part
  if (reply === undefined) return { ...part, reply: earlier }
  const value = { ...joinResults([earlier.value, reply.value], false), more: reply.value.more }
  return { ...part, reply: { value, cost: addCosts(earlier.cost, reply.cost) } }
}

function joinResults(results: readonly CleanupResult[], hasFailed: boolean): CleanupResult {
  const evicted = results.flatMap((result) => (result.evicted === undefined ? [] : [result.evicted]))
  return {
    removed: sum(results.map(({ removed }) => removed)),
    ...(evicted.length === 0 ? {} : { evicted: sum(evicted) }),
    more: hasFailed || results.some(({ more }) => more),
  }
}
