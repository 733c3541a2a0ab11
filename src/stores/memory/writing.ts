/** Writes and counters of the memory store. Every write takes the lease away, so the fill it stands for is refused. */

import { type CountInput, free, type Item, type WriteInput } from '../../store/store.ts'
import { addDecimals, wholePart } from '../../values/decimal.ts'
import { NotANumberError } from '../../values/errors.ts'
import type { Deadline } from '../../values/expiration.ts'
import { instantOf, type MemoryStorage, moveDeadline, type Row } from './storage.ts'

/** A live counter. */
type Counter = Row & { readonly number: string }

export function writing(storage: MemoryStorage) {
  function isLive(key: string): boolean {
    const row = storage.peek(key)
    return row !== undefined && storage.isLive(row, storage.now())
  }

  function write({ key, value, number }: Item, { deadline, tags, asOf }: WriteInput): void {
    const at = storage.now()
    const expiresAt = instantOf(deadline, at)
    const filledAt = asOf === null ? storage.tagLog.position() : storage.tagLog.positionOf(asOf)
    storage.leases.delete(key)
    storage.put({
      key,
      value,
      number,
      tags,
      filledAt,
      expiresAt,
      keptUntil: expiresAt,
      computeMs: null,
      createdAt: at,
      updatedAt: at,
    })
  }

  /** Undefined if a counter begins anew. @throws NotANumberError if something else is live */
  function counterOf(key: string, at: number): Counter | undefined {
    const row = storage.read(key)
    if (row === undefined || !storage.isLive(row, at)) return undefined
    if (row.value !== null) throw new NotANumberError()
    return row.number === null ? undefined : (row as Counter)
  }

  /** A running counter keeps its tags and its age; the deadlines are the caller's choice. */
  function putCounter(
    key: string,
    number: string,
    before: Counter | undefined,
    [expiresAt, keptUntil]: [number, number],
    at: number,
  ): void {
    storage.leases.delete(key)
    storage.put({
      key,
      value: null,
      number,
      tags: before?.tags ?? null,
      filledAt: before?.filledAt ?? 0,
      expiresAt,
      keptUntil,
      computeMs: null,
      createdAt: before?.createdAt ?? at,
      updatedAt: at,
    })
  }

  return {
    write(items: readonly Item[], input: WriteInput) {
      for (const item of items) write(item, input)
      return free(items.filter(({ key }) => storage.peek(key) !== undefined).length)
    },
    add(item: Item, input: WriteInput) {
      if (isLive(item.key)) return free(false)
      write(item, input)
      return free(true)
    },
    touch(key: string, deadline: Deadline) {
      const at = storage.now()
      const row = storage.read(key)
      if (row === undefined || !storage.isLive(row, at)) return free(false)
      moveDeadline(row, instantOf(deadline, at), at)
      // A touch into the past makes the entry absent, and so counts as a write.
      if (row.expiresAt <= at) storage.leases.delete(key)
      return free(true)
    },
    count(key: string, { delta, sliding, deadline }: CountInput) {
      const at = storage.now()
      const before = counterOf(key, at)
      const sum = addDecimals(before?.number ?? '0', delta)
      const given = instantOf(deadline, at)
      const keeps = before !== undefined && !sliding
      putCounter(key, sum, before, keeps ? [before.expiresAt, before.keptUntil] : [given, given], at)
      return free(sum)
    },
    limit(key: string, { periodMs, cap }: { readonly periodMs: number; readonly cap: number }) {
      const at = storage.now()
      const before = counterOf(key, at)
      const count = before === undefined ? 1 : Math.min(wholePart(before.number) + 1, cap)
      const end = at + periodMs
      // A permanent counter has no window yet, and gets one.
      const hasWindow = before !== undefined && before.expiresAt !== Number.POSITIVE_INFINITY
      const resetAt = hasWindow ? before.expiresAt : end
      putCounter(key, String(count), before, [resetAt, hasWindow ? before.keptUntil : end], at)
      return free({ count, resetAt, resetMs: Math.max(0, Math.ceil(resetAt - at)) })
    },
  }
}
