import { each, measure, rateCells, slicesOf, type Variant } from '../harness/measure.ts'
import { openProviders } from '../harness/peers.ts'
import type { OpenProvider } from '../harness/provider.ts'
import type { Case, Figure, Question } from '../harness/question.ts'
import { KILOBYTE, keysFor, sampleValue } from '../harness/values.ts'

const GETS = 50
const keys = keysFor(KILOBYTE).slice(0, GETS)

function variantOf(provider: OpenProvider): Variant {
  const get = (provider.getInOneTick ?? provider.get).bind(provider)
  return { name: provider.name, operations: GETS, run: () => Promise.all(keys.map((key) => get(key))) }
}

export default {
  title: 'What do gets of one tick save?',
  about: `Fifty parts of a program each read one key in the same tick, as the components of a page do. pgstash sends one statement,
    @upstash/redis one pipeline, and @keyv/redis writes to one socket. The figures are gets per second.`,
  async run(bench) {
    const figures: Figure[] = []
    for (const transport of ['tcp', 'http'] as const) {
      const cases: Case[] = []
      for (const roundTripMs of [0, 10]) {
        const { providers, close } = await openProviders(bench, { transport, roundTripMs }, () => true)
        for (const provider of providers) await each(keys, (key, i) => provider.set(key, sampleValue(KILOBYTE, i)))
        const samples = await measure(providers.map(variantOf), slicesOf(bench.settings))
        cases.push({ name: `${roundTripMs} ms added`, cells: rateCells(samples, 'pgstash') })
        await close()
      }
      const title = `Fifty gets in one tick over ${transport.toUpperCase()}`
      figures.push({ title, unit: 'calls per second', better: 'higher', cases })
    }
    return figures
  },
} satisfies Question
