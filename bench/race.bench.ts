/** Is the invalidation exact? Hundreds of thousands of reads beside transactions, and none may be older than it must. */
import { expect, it } from 'vitest'
import { KINDS, race } from '../test/tags/race-site.ts'

const READS = Number(process.env.RACE_READS ?? 100_000)

it(
  'the race at full size',
  async () => {
    const startedAt = performance.now()
    const { reads, hits, violations, commits, rollbacks } = await race({
      reads: READS,
      readers: 6,
      writers: 4,
      mostReads: 20,
    })
    console.log(`  ${Math.round((performance.now() - startedAt) / 1000)} s, ${commits} commits, ${rollbacks} rollbacks`)
    for (const kind of KINDS) {
      console.log(`  ${kind}: ${reads[kind]} reads, ${hits[kind]} hits, ${violations[kind]} violations`)
      expect(violations[kind]).toBe(0)
    }
  },
  3 * 60 * 60_000,
)
