/** Checks counters: no two increments return the same number, later ones return more, and the sum is correct. */
import { byKey, type FinalCounts, type Recorded } from './history.ts'
import { latestBefore } from './overwrites.ts'
import { describeCall, type Violation } from './violation.ts'

export function checkCounters(history: readonly Recorded[], final: FinalCounts): Violation[] {
  return [...byKey(history, 'counter')].flatMap(([key, records]) => {
    const done = records.filter(({ failed }) => failed === undefined)
    const sum = checkSum(key, done.length, records.length - done.length, final[key] ?? 0)
    return [...checkAnswers(key, done), ...sum]
  })
}

/** An increment without an answer may or may not have happened, so the sum may lie between two bounds. */
function checkSum(key: string, done: number, unknown: number, total: number): Violation[] {
  if (total >= done && total <= done + unknown) return []
  const expected = unknown === 0 ? `${done}` : `${done} to ${done + unknown}`
  return [{ kind: 'lost increment', key, story: `The counter ended at ${total}, but expected ${expected}.` }]
}

function checkAnswers(key: string, done: readonly Recorded[]): Violation[] {
  const seen = new Map<number, Recorded>()
  const doubles = done.flatMap((record): Violation[] => {
    const count = record.count ?? 0
    const other = seen.get(count)
    seen.set(count, record)
    if (!other) return []
    return [
      {
        kind: 'lost increment',
        key,
        story: `${describeCall(record)} and ${describeCall(other)} both answered ${count}.`,
      },
    ]
  })
  return [...doubles, ...checkOrder(key, done)]
}

function checkOrder(key: string, done: readonly Recorded[]): Violation[] {
  const before = latestBefore(done.map((record) => ({ record, by: record.end })))
  return done.flatMap((record): Violation[] => {
    const earlier = before(record.start)?.record
    if (!earlier || (earlier.count ?? 0) < (record.count ?? 0)) return []
    const story = `${describeCall(record)} answered ${record.count}, after ${describeCall(earlier)} had answered ${earlier.count}.`
    return [{ kind: 'lost increment', key, story }]
  })
}
