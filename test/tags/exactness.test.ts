import { expect, it } from 'vitest'
import { rounds } from '../setup/statements.ts'
import { KINDS, race } from './race-site.ts'

const READS = rounds(2_000)

it('after each commit, no later read returns older data, for query results, computed values and responses', async () => {
  const { reads, hits, violations, commits, rollbacks } = await race({
    reads: READS,
    readers: 4,
    writers: 3,
    mostReads: 80,
  })
  console.log({ reads, hits, violations, commits, rollbacks })
  for (const kind of KINDS) {
    expect([kind, violations[kind]]).toEqual([kind, 0])
    expect(reads[kind]).toBeGreaterThanOrEqual(READS)
    expect(hits[kind]).toBeGreaterThan(0)
  }
  expect(Math.min(commits, rollbacks)).toBeGreaterThan(0)
}, 400_000)
