/** Checks keys that are set, read and deleted: no read returns a state older than the last write before it began. */
import { byKey, latest, type Recorded } from './history.ts'
import { latestBefore, type Overwrite } from './overwrites.ts'
import { describeCall, type Violation } from './violation.ts'

export function checkRegisters(history: readonly Recorded[]): Violation[] {
  return [...byKey(history, 'register')].flatMap(([key, records]) => checkRegister(key, records))
}

function checkRegister(key: string, records: readonly Recorded[]): Violation[] {
  const reads = records.filter(({ operation, failed }) => operation === 'get' && failed === undefined)
  const sets = records.filter(({ operation }) => operation === 'set')
  const deletes = records.filter(({ operation }) => operation === 'delete')
  const seen = firstSeen(reads)
  const written = new Map(
    sets.map((record) => {
      const by = Math.min(latest(record), seen.get(record.version ?? '') ?? Number.POSITIVE_INFINITY)
      return [record.version ?? '', { record, by }]
    }),
  )
  const overwrites = [...written.values(), ...deletes.map((record) => ({ record, by: latest(record) }))]
  const overwrittenBy = latestBefore(overwrites)
  const writtenBy = latestBefore([...written.values()])
  return reads.flatMap((read) => {
    const violation =
      read.version === undefined
        ? checkMiss(key, read, writtenBy(read.start), deletes)
        : checkHit(key, read, written.get(read.version), overwrittenBy(read.start))
    return violation ? [violation] : []
  })
}

/** For each version, the end of the first read that saw it. A write without an answer has happened by then. */
function firstSeen(reads: readonly Recorded[]): Map<string, number> {
  const seen = new Map<string, number>()
  for (const { version, end } of reads) {
    if (version !== undefined) seen.set(version, Math.min(end, seen.get(version) ?? end))
  }
  return seen
}

function checkHit(
  key: string,
  read: Recorded,
  write: Overwrite | undefined,
  later: Overwrite | undefined,
): Violation | undefined {
  if (!write || write.record.start > read.end) {
    return {
      kind: 'value of nobody',
      key,
      story: `${describeCall(read)} got ${read.version}, which nobody had written.`,
    }
  }
  if (!later || later.record.start <= write.by) return undefined
  const kind = later.record.operation === 'delete' ? 'value after delete' : 'stale read'
  const story = `${describeCall(read)} got ${read.version} of ${describeCall(write.record)}, after ${describeCall(later.record)} had replaced it.`
  return { kind, key, story }
}

function checkMiss(
  key: string,
  read: Recorded,
  write: Overwrite | undefined,
  deletes: readonly Recorded[],
): Violation | undefined {
  if (!write) return undefined
  const isExcused = deletes.some((record) => record.start < read.end && latest(record) > write.record.start)
  if (isExcused) return undefined
  return {
    kind: 'lost write',
    key,
    story: `${describeCall(read)} missed, after ${describeCall(write.record)} and without a delete.`,
  }
}
