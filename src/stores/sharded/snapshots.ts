/**
 * The snapshots of all nodes as one.
 *
 * In the form that every store takes, so that whatever checks it accepts it: `0`, the number of nodes, and then numbers:
 * for each node its name's hash, how many numbers follow, and these, which are those of its own snapshot.
 */

import { asSnapshot } from '../../cache/inputs.ts'
import type { CacheSnapshot } from '../../cache.ts'
import { OLDEST_SNAPSHOT } from '../../values/snapshot.ts'
import { nameNumber } from './rendezvous.ts'

export function joined(snapshots: ReadonlyMap<string, CacheSnapshot>): CacheSnapshot {
  const numbers = [...snapshots].flatMap(([node, snapshot]) => {
    const [xmin = '', xmax = '', list = ''] = snapshot.split(':')
    const own = [xmin, xmax, ...(list === '' ? [] : list.split(','))]
    return [nameNumber(node), own.length, ...own]
  })
  return asSnapshot(`0:${snapshots.size}:${numbers.join(',')}`)
}

/** A node's own part; of a node that was not there, or of a snapshot from elsewhere, one that is older than everything. */
export function partOf(snapshot: CacheSnapshot, node: string): CacheSnapshot {
  const [zero, , list = ''] = String(snapshot).split(':')
  if (zero !== '0') return OLDEST_SNAPSHOT
  const numbers = list.split(',')
  const wanted = String(nameNumber(node))
  for (let at = 0; at + 1 < numbers.length; at += 2 + Number(numbers[at + 1])) {
    if (numbers[at] !== wanted) continue
    const [xmin, xmax, ...rest] = numbers.slice(at + 2, at + 2 + Number(numbers[at + 1]))
    return asSnapshot(`${xmin}:${xmax}:${rest.join(',')}`)
  }
  return OLDEST_SNAPSHOT
}
