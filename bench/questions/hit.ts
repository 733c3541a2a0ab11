import { matrix } from '../harness/matrix.ts'
import { each } from '../harness/measure.ts'
import type { Question } from '../harness/question.ts'
import { at, KILOBYTE, keysFor, SIZES, sampleValue } from '../harness/values.ts'

export default {
  title: 'What does a hit cost?',
  about: `Each provider holds the same objects and reads them by key. Every value is parsed. The milliseconds are added to each
    round trip; without them, client and server share one machine.`,
  run: (bench) =>
    matrix(bench, {
      title: 'Hits',
      sizes: SIZES,
      usual: KILOBYTE,
      can: () => true,
      async variant(provider, bytes) {
        const keys = keysFor(bytes)
        await each(keys, (key, i) => provider.set(key, sampleValue(bytes, i)))
        return { name: provider.name, run: (i) => provider.get(at(keys, i)) }
      },
    }),
} satisfies Question
