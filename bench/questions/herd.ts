import type { Bench } from '../harness/bench.ts'
import { shuffled, spread } from '../harness/measure.ts'
import { allPeers } from '../harness/peers.ts'
import type { Provider, Transport } from '../harness/provider.ts'
import type { Cell, Figure, Question } from '../harness/question.ts'
import { KILOBYTE, sampleValue } from '../harness/values.ts'

const INSTANCES = 10
const CALLS = 10
const COMPUTE_MS = 50

interface Herd {
  readonly name: string
  readonly instances: readonly Provider[]
  readonly computations: number[]
  readonly milliseconds: number[]
}

/** For a library without such a call, the code that its users write. */
function fill(provider: Provider, key: string, compute: () => Promise<unknown>): Promise<unknown> {
  if (provider.getOrSet) return provider.getOrSet(key, compute)
  return provider.get(key).then(async (found) => {
    if (found !== undefined && found !== null) return found
    const value = await compute()
    await provider.set(key, value)
    return value
  })
}

async function stampede({ instances, computations, milliseconds }: Herd, key: string): Promise<void> {
  let computed = 0
  const compute = async () => {
    computed++
    await new Promise((resolve) => setTimeout(resolve, COMPUTE_MS))
    return sampleValue(KILOBYTE)
  }
  const startedAt = performance.now()
  const calls = instances.flatMap((one) => Array.from({ length: CALLS }, () => fill(one, key, compute)))
  await Promise.all(calls)
  computations.push(computed)
  milliseconds.push(performance.now() - startedAt)
}

async function herds(bench: Bench, transport: Transport): Promise<Herd[]> {
  const all: Herd[] = []
  for (const peer of await allPeers(bench.checkouts)) {
    if (!peer.transports.includes(transport)) continue
    const connect = await peer.prepare(bench, { transport, roundTripMs: 0 })
    if (typeof connect === 'string') continue
    const instances: Provider[] = []
    for (let i = 0; i < INSTANCES; i++) {
      const instance = await connect()
      // Opens a connection, and the table of the libraries that create it at first use.
      await instance.set('warm', sampleValue(100))
      instances.push(instance)
    }
    const name = instances[0]?.getOrSet ? peer.name : `${peer.name}: get, compute, set`
    all.push({ name, instances, computations: [], milliseconds: [] })
  }
  return all
}

export default {
  title: 'How often does a cold herd compute?',
  about: `Ten instances of a program, each with a cache and connections of its own, make ten calls each for one missing key at once. The
    computation takes 50 ms. Libraries without such a call read, compute and write.`,
  async run(bench) {
    const figures: Figure[] = []
    for (const transport of ['tcp', 'http'] as const) {
      const all = await herds(bench, transport)
      for (let round = 0; round <= bench.settings.rounds; round++) {
        for (const herd of shuffled(all)) await stampede(herd, `cold:${round}`)
      }
      const cells = (values: 'computations' | 'milliseconds'): Cell[] =>
        all.map((herd) => ({ provider: herd.name, ...spread(herd[values].slice(1)) }))
      const over = `over ${transport.toUpperCase()}`
      figures.push(
        {
          title: `Computations of a herd of 100 ${over}`,
          unit: 'count',
          better: 'lower',
          cases: [{ name: '', cells: cells('computations') }],
        },
        {
          title: `Time until all 100 have the value ${over}`,
          unit: 'milliseconds',
          better: 'lower',
          cases: [{ name: '', cells: cells('milliseconds') }],
        },
      )
      for (const { instances } of all) for (const instance of instances) await instance.close?.().catch(() => {})
    }
    return figures
  },
} satisfies Question
