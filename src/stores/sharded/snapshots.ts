/**
 * The snapshots of all nodes as one.
 *
 * They have the form that every store takes: `0`, a number, and then numbers. For each node these are the hash of its name,
 * how many numbers follow, and the numbers of its own snapshot. The number in the middle is the number of nodes; it is 0 if
 * the nodes were asked for their positions, which some of them may not have.
 */
import type { Store } from '../../store/store.ts'
import { OLDEST_SNAPSHOT } from '../../values/snapshot.ts'
import { nameNumber } from './rendezvous.ts'

export function joinedSnapshots(snapshots: ReadonlyMap<string, string>): string {
  return joined(snapshots, snapshots.size)
}

/** The positions of those nodes that know theirs without a request. */
export function joinedPositions(stores: ReadonlyMap<string, Store>): string {
  const known = [...stores].flatMap(([name, store]) => {
    const position = store.position?.()
    return position === undefined ? [] : [[name, position] as const]
  })
  return joined(new Map(known), 0)
}

function joined(snapshots: ReadonlyMap<string, string>, count: number): string {
  const numbers = [...snapshots].flatMap(([node, snapshot]) => {
    const [xmin = '', xmax = '', list = ''] = snapshot.split(':')
    const own = [xmin, xmax, ...(list === '' ? [] : list.split(','))]
    return [nameNumber(node), own.length, ...own]
  })
  return `0:${count}:${numbers.join(',')}`
}

/**
 * The part of one node. A snapshot without the node, or of another store, is older than everything; a position without the
 * node is null, because the node tells its own as soon as it is called.
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
