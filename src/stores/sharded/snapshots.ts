/**
 * Joins the snapshots of all nodes into one.
 *
 * A joined snapshot has the common form of snapshots: `0`, a number, and a list of numbers. For each node, the list
 * contains the hash of its name, how many numbers follow, and the numbers of its own snapshot. The number in the middle
 * is the number of nodes. It is 0 for joined positions, because some nodes may have no position.
 */
import type { Store } from '../../store/store.ts'
import { OLDEST_SNAPSHOT } from '../../values/snapshot.ts'
import { nameNumber } from './rendezvous.ts'

export function joinSnapshots(snapshots: ReadonlyMap<string, string>): string {
  return join(snapshots, snapshots.size)
}

/** Joins the positions of the nodes that know theirs without a request. */
export function joinPositions(stores: ReadonlyMap<string, Store>): string {
  const known = [...stores].flatMap(([name, store]) => {
    const position = store.position?.()
    return position === undefined ? [] : [[name, position] as const]
  })
  return join(new Map(known), 0)
}

function join(snapshots: ReadonlyMap<string, string>, count: number): string {
  const numbers = [...snapshots].flatMap(([node, snapshot]) => {
    const [xmin = '', xmax = '', list = ''] = snapshot.split(':')
    const own = [xmin, xmax, ...(list === '' ? [] : list.split(','))]
    return [nameNumber(node), own.length, ...own]
  })
  return `0:${count}:${numbers.join(',')}`
}

/**
 * Returns the part of one node. If a snapshot lacks the node, or another store made it, the part is older than
 * everything. If joined positions lack the node, the part is null: the node uses its own position when it is called.
 */
export function partOf(snapshot: string, node: string): string | null {
  const [zero, count, list = ''] = snapshot.split(':')
  if (zero !== '0') return OLDEST_SNAPSHOT
  const numbers = list.split(',')
  const wanted = String(nameNumber(node))
  for (let at = 0; at + 1 < numbers.length; at += 2 + Number(numbers[at + 1])) {
    if (numbers[at] !== wanted) continue
    const [xmin, xmax, ...rest] = numbers.slice(at + 2, at + 2 + Number(numbers[at + 1]))
    return `${xmin}:${xmax}:${rest.join(',')}`
  }
  return count === '0' ? null : OLDEST_SNAPSHOT
}
