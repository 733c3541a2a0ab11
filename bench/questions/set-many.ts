import { matrix } from '../harness/matrix.ts'
import type { Question } from '../harness/question.ts'
import { bySize } from '../harness/settings.ts'
import { at, KILOBYTE, SIZES, sampleValue } from '../harness/values.ts'

const COUNT = 1_000
const VALUES = 7
/** A call of 1,000 large values takes seconds, and exceeds what Neon's endpoint accepts. */
const MOST_BYTES = [1_000_000, 4_000_000, 16_000_000] as const

export default {
  title: 'What does it cost to write 1,000 keys?',
  about: `One call writes 1,000 entries, or as many as make 4 MB (16 MB in a full run). A call counts once. Providers without a call for several entries are
    absent.`,
  run: (bench) =>
    matrix(bench, {
      title: 'Writes of 1,000 keys',
      sizes: bySize<readonly number[]>(bench.settings, [100, KILOBYTE], [100, KILOBYTE, 16 * KILOBYTE], SIZES),
      usual: 100,
      isSlow: true,
      can: (provider) => provider.setMany,
      async variant(provider, bytes) {
        const values = Array.from({ length: VALUES }, (_, i) => sampleValue(bytes, i))
        const length = Math.min(COUNT, Math.floor(bySize(bench.settings, ...MOST_BYTES) / bytes))
        const entries = (i: number) =>
          Array.from({ length }, (_, k): [string, unknown] => [`many:${bytes}:${i % 4}:${k}`, at(values, i + k)])
        return { name: provider.name, run: async (i) => provider.setMany?.(entries(i)) }
      },
    }),
} satisfies Question
