/**
 * Finds the node of a key by rendezvous hashing (Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit
 * Rates", IEEE/ACM ToN 1998). Each node draws a number for the key, and the highest number wins.
 *
 * A new node takes keys evenly from all others, and no key moves between the other nodes. A node that leaves gives its
 * keys evenly to all others. Compared with a ring of virtual nodes, this needs no table and overloads no node. It costs
 * some nanoseconds per node.
 *
 * It uses only 32-bit integer arithmetic, because every engine must find the same node. `Math.log`, the usual way to
 * implement weights, may differ between engines.
 */

/** The number of draws of each node. */
export type Weights = ReadonlyMap<string, number>

interface Draw {
  readonly node: string
  readonly high: number
  readonly low: number
}

/** @param weights at least one node */
export function createRendezvous(weights: Weights): (key: string) => string {
  // Sort the nodes, so that a tie always goes to the same node, in whatever order the nodes were given.
  const draws = [...weights]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([node, weight]) => Array.from({ length: weight }, (_, i): Draw => ({ node, ...hash(`${node}#${i}`) })))
  return (key) => {
    const { high, low } = hash(key)
    let best = draws[0] as Draw
    let highest = -1
    for (const draw of draws) {
      // There are 2^53 values, so ties are very unlikely even with a million keys.
      const number = (mix(high ^ draw.high, low) & 0x1fffff) * 2 ** 32 + mix(low ^ draw.low, high)
      if (number > highest) {
        highest = number
        best = draw
      }
    }
    return best.node
  }
}

/** Hashes a text to 64 bits: bryc's cyrb53 (public domain), without its last step. */
function hash(text: string): { high: number; low: number } {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    high = Math.imul(high ^ unit, 2654435761)
    low = Math.imul(low ^ unit, 1597334677)
  }
  return { high: mix(high, low), low: mix(low, high) }
}

/** Mixes both halves by the finaliser of MurmurHash3: each input bit changes half of the output bits. */
function mix(a: number, b: number): number {
  let h = a ^ Math.imul(b, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Returns the number that represents a node's name in a joined snapshot. */
export function nameNumber(name: string): number {
  const { high, low } = hash(name)
  return (high & 0x1fffff) * 2 ** 32 + low
}
