import { matrix } from '../harness/matrix.ts'
import { each } from '../harness/measure.ts'
import type { Question } from '../harness/question.ts'
import { at, KILOBYTE, keysFor, SIZES, sampleValue } from '../harness/values.ts'

const COUNT = 50

export default {
  title: 'What does it cost to read 50 keys?',
  about: 'One call reads 50 keys that are all present. A call counts once, not 50 times.',
  run: (bench) =>
    matrix(bench, {
      title: 'Reads of 50 keys',
      sizes: SIZES,
      usual: KILOBYTE,
      can: (provider) => provider.getMany,
      async variant(provider, bytes) {
        const keys = keysFor(bytes)
        await each(keys, (key, i) => provider.set(key, sampleValue(bytes, i)))
        const length = Math.min(COUNT, keys.length)
        const some = (i: number) => Array.from({ length }, (_, k) => at(keys, i * COUNT + k))
        return { name: provider.name, run: async (i) => provider.getMany?.(some(i)) }
      },
    }),
} satisfies Question
