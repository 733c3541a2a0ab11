/** Joins the answers of several nodes. */
import type { CacheStats } from '../../cache.ts'
import type { CountingInput } from '../../store/inputs.ts'
import type { PageReply } from '../../store/store.ts'
import { byCodePoint } from '../../values/key.ts'
import { joinReplies, type Part, sum } from './fan-out.ts'

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
 * Joins the pages of all nodes. If a node stopped early, later rows of other nodes wait for the next page, because that
 * node may still have rows before them.
 */
export function joinPages(pages: readonly Part<PageReply>[], limit: number): PageReply {
  const ends = pages.flatMap(({ reply }) => (reply?.next === undefined ? [] : [reply.next])).sort(byCodePoint)
  const [next] = ends
  return {
    ...joinReplies(pages, (parts) =>
      parts
        .flat()
        .filter(({ key }) => next === undefined || byCodePoint(key, next) <= 0)
        .sort((a, b) => byCodePoint(a.key, b.key))
        .slice(0, limit + 1),
    ),
    next,
  }
}

/** Returns a function that makes the input of each node. The progress that it reports is the sum over all nodes. */
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
