/** The answers of several nodes as one. */
import type { CacheStats } from '../../cache.ts'
import type { CountingInput } from '../../store/inputs.ts'
import type { PageReply, Reply } from '../../store/store.ts'
import { addCosts, noCost } from '../../values/events.ts'
import { byCodePoint } from '../../values/key.ts'

/** One reply of many: their values put together, their costs summed up, and the first failure. */
export function merged<T, R>(replies: readonly Reply<T>[], merge: (values: T[]) => R): Reply<R> {
  const failed = replies.find(({ failure }) => failure !== undefined)
  return {
    value: merge(replies.map(({ value }) => value)),
    cost: replies.reduce((cost, reply) => addCosts(cost, reply.cost), noCost()),
    ...(failed === undefined ? {} : { failure: failed.failure }),
  }
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

export function sumStats(all: readonly CacheStats[]): CacheStats {
  const total = (name: Exclude<keyof CacheStats, 'estimated'>) => sum(all.map((stats) => stats[name]))
  return {
    total: total('total'),
    expired: total('expired'),
    unexpired: total('unexpired'),
    forever: total('forever'),
    bytes: total('bytes'),
    estimated: all.some(({ estimated }) => estimated),
  }
}

/**
 * One page of those of all nodes. Where a node stopped early, rows of the others that come later wait for the next page: the
 * node may have rows before them.
 */
export function joinedPages(pages: readonly PageReply[], limit: number): PageReply {
  const ends = pages.flatMap(({ next }) => (next === undefined ? [] : [next])).sort(byCodePoint)
  const [next] = ends
  return {
    ...merged(pages, (parts) =>
      parts
        .flat()
        .filter(({ key }) => next === undefined || byCodePoint(key, next) <= 0)
        .sort((a, b) => byCodePoint(a.key, b.key))
        .slice(0, limit + 1),
    ),
    next,
  }
}

/** Makes the input of each node. Together they report what all nodes have counted so far. */
export function countingOfNode({ onProgress, signal }: CountingInput): () => CountingInput {
  const counted: number[] = []
  return () => {
    const node = counted.push(0) - 1
    const report = (count: number) => {
      counted[node] = count
      onProgress?.(sum(counted))
    }
    return { signal, onProgress: onProgress && report }
  }
}
