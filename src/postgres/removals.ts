/** Removals, invalidation and snapshots of the Postgres store. */
import { DEFAULT_BATCH } from '../cache/inputs.ts'
import type { Store } from '../store/store.ts'
import { inBatches } from '../values/in-batches.ts'
import { keyRange, type Scope } from '../values/key.ts'
import { chunks, repeatIfRaced, sendBatch } from './batches.ts'
import { clear } from './operations/clear.ts'
import { invalidate } from './operations/invalidate.ts'
import { pull } from './operations/pull.ts'
import { remove } from './operations/remove.ts'
import { removeMany } from './operations/remove-many.ts'
import { takeSnapshot } from './operations/take-snapshot.ts'
import type { Run, Session } from './session.ts'
import { standbySnapshot } from './untrusted-snapshot.ts'

export function removals(session: Session) {
  return {
    remove: (keys) => session((run) => removeKeys(run, keys)),
    take: (key) =>
      session(async (run) => {
        const answers = await repeatIfRaced(() => run(pull, { key }))
        return answers.find(({ found }) => found)
      }),
    clear: (scope) => session((run) => clearScope(run, scope)),
    invalidate: (tags) =>
      session(async (run) => {
        await run(invalidate, { tags })
      }),
    snapshot: () =>
      session(async (run) => {
        const [row] = await run(takeSnapshot)
        if (row?.snapshot == null) throw standbySnapshot()
        return row.snapshot
      }),
  } satisfies Partial<Store>
}

async function removeKeys(run: Run, keys: readonly string[]): Promise<number> {
  const [key] = keys
  if (keys.length === 1) {
    const [first, second] = await repeatIfRaced(() => run(remove, { key }))
    return (first?.count ?? 0) || (second?.count ?? 0)
  }
  let total = 0
  for (const part of chunks(keys)) {
    for (const { count } of await repeatIfRaced(() => run(removeMany, { keys: part }))) total += count
  }
  return total
}

async function clearScope(run: Run, scope: Scope): Promise<number> {
  const range = keyRange(scope)
  let { from } = range
  let total = 0
  let hasRaced = false
  for (const batch of inBatches({ size: () => DEFAULT_BATCH })) {
    const { row: part } = await sendBatch(batch, (size) => run(clear, { ...range, from, batch: size }))
    if (part === undefined) continue
    total += part.removed
    // Send the part again once, to remove entries that were filled since the statement's snapshot. Any entry filled
    // from now on was claimed after this removal.
    if (part.raced && !hasRaced) {
      hasRaced = true
      continue
    }
    if (part.last === null) break
    // Continue after the last key, so that the removal ends even if writes go on. No key sorts between a key and that
    // key with U+0001.
    from = `${part.last}\u0001`
    hasRaced = false
  }
  return total
}
