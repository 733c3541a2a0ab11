import { measure, rateCells, slicesOf } from '../harness/measure.ts'
import { openProviders } from '../harness/peers.ts'
import type { Case, Figure, Question } from '../harness/question.ts'
import { at } from '../harness/values.ts'

const KEYS = {
  'one hot counter': ['counter'],
  'a thousand counters': Array.from({ length: 1_000 }, (_, i) => `counter:${i}`),
}

export default {
  title: 'What does a counter cost?',
  about: `Each call adds one and returns the sum. All calls on one counter wait for its row lock, and each waits for the disk.
    Libraries that read, add and write are absent, because they lose counts.`,
  async run(bench) {
    const figures: Figure[] = []
    for (const transport of ['tcp', 'http'] as const) {
      const line = { transport, roundTripMs: 0 }
      const { providers, absent, close } = await openProviders(bench, line, ({ increment }) => increment)
      const cases: Case[] = []
      for (const [name, keys] of Object.entries(KEYS)) {
        for (const atOnce of [1, 32]) {
          const variants = providers.map((provider) => ({
            name: provider.name,
            run: async (i: number) => provider.increment?.(at(keys, i)),
          }))
          const samples = await measure(variants, slicesOf(bench.settings, atOnce))
          const calls = atOnce === 1 ? '1 call' : `${atOnce} calls`
          cases.push({ name: `${name}, ${calls} at once`, cells: rateCells(samples, 'pgstash') })
        }
      }
      await close()
      const title = `Counters over ${transport.toUpperCase()}`
      figures.push({ title, unit: 'calls per second', better: 'higher', cases, absent })
    }
    return figures
  },
} satisfies Question
