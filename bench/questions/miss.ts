import { matrix } from '../harness/matrix.ts'
import { each } from '../harness/measure.ts'
import type { Question } from '../harness/question.ts'
import { KILOBYTE, keysFor, sampleValue } from '../harness/values.ts'

export default {
  title: 'What does a miss cost?',
  about: 'Each provider holds a thousand other keys. No key is asked for twice.',
  run: (bench) =>
    matrix(bench, {
      title: 'Misses',
      sizes: [KILOBYTE],
      usual: KILOBYTE,
      can: () => true,
      async variant(provider, bytes) {
        await each(keysFor(bytes), (key, i) => provider.set(key, sampleValue(bytes, i)))
        return { name: provider.name, run: (i) => provider.get(`missing:${i}`) }
      },
    }),
} satisfies Question
