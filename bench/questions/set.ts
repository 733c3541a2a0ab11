import { matrix } from '../harness/matrix.ts'
import type { Question } from '../harness/question.ts'
import { at, KILOBYTE, keysFor, SIZES, sampleValue } from '../harness/values.ts'

/** A value that stays the same is cheaper to write. */
const VALUES = 7

export default {
  title: 'What does a set cost?',
  about: `Each call overwrites one of up to a thousand keys with another value that expires in an hour. unstorage knows no expiry, so
    it writes less. Redis keeps the values in memory only; Postgres writes each one to its log and waits for the disk.`,
  run: (bench) =>
    matrix(bench, {
      title: 'Sets',
      sizes: SIZES,
      usual: KILOBYTE,
      can: () => true,
      async variant(provider, bytes) {
        const keys = keysFor(bytes)
        const values = Array.from({ length: VALUES }, (_, i) => sampleValue(bytes, i))
        return { name: provider.name, run: (i) => provider.set(at(keys, i), at(values, i)) }
      },
    }),
} satisfies Question
