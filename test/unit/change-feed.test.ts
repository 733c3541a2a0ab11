/** How a first tier handles answers from several histories, in any order. */
import { describe, expect, it } from 'vitest'
import type { Changes } from '../../src/store/changes.ts'
import { createChangeFeed } from '../../src/stores/tiered/change-feed.ts'
import type { Copies } from '../../src/stores/tiered/copies.ts'
import { createCopyGuards } from '../../src/stores/tiered/copy-guards.ts'

function createSite() {
  const guards = createCopyGuards()
  const site = { flushes: 0, guards }
  const copies = {
    clear: async () => void site.flushes++,
    forget: async () => {},
    invalidate: async () => {},
  } as unknown as Copies
  const feed = createChangeFeed(copies, guards)
  /** Sends a read with its own guard. */
  const ask = (key = 'key') => {
    const own = guards.open([key])
    const reader = feed.reader(own)
    const since = reader.since()
    return {
      since,
      isValid: () => own.every(({ isValid }) => isValid),
      answer: (cursor: string | null, history: string, change: Partial<Changes> = {}) =>
        reader.receive({ cursor, history, changed: [], isGap: false, ...change }),
    }
  }
  return Object.assign(site, { feed, ask })
}

describe('a change feed', () => {
  it('flushes once if the history is replaced, and keeps the rows of that very read', async () => {
    const site = createSite()
    await site.ask().answer('10:10:', 'a')
    const [read, other] = [site.ask(), site.ask('other')]
    await read.answer('20:20:', 'b')
    expect([site.flushes, read.isValid(), other.isValid()]).toEqual([1, true, false])
    await site.ask().answer('21:21:', 'b')
    expect(site.flushes).toBe(1)
  })

  it('flushes if the ids go backwards, although the history has the same name', async () => {
    const site = createSite()
    await site.ask().answer('10:10:', '')
    await site.ask().answer('9:9:', '')
    expect([site.flushes, site.ask().since]).toEqual([1, '9:9:'])
  })

  it('does not return to an older history because of a late answer', async () => {
    const site = createSite()
    await site.ask().answer('10:10:', 'a')
    const [late, read] = [site.ask(), site.ask()]
    await read.answer('5:5:', 'b')
    await late.answer('12:12:', 'a')
    expect([site.ask().since, late.isValid()]).toEqual(['5:5:', false])
  })

  it('flushes if several first reads meet two histories', async () => {
    const site = createSite()
    const [one, two] = [site.ask(), site.ask()]
    await one.answer('10:10:', 'a')
    await two.answer('5:5:', 'b')
    expect(site.flushes).toBe(1)
  })

  it('starts again after a standby, whose reads leave no copies', async () => {
    const site = createSite()
    await site.ask().answer('10:10:', 'a')
    const read = site.ask()
    await read.answer(null, 'a')
    expect([site.feed.hasBegun(), read.isValid(), site.flushes]).toEqual([false, false, 1])
    expect(site.ask().since).toBe(null)
  })

  it('accepts answers of one history in any order', async () => {
    const site = createSite()
    await site.ask().answer('10:10:', 'a')
    const [slow, fast] = [site.ask(), site.ask()]
    await fast.answer('12:12:', 'a')
    await slow.answer('11:11:', 'a')
    expect([site.flushes, site.ask().since]).toEqual([0, '12:12:'])
  })
})
