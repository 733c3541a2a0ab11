import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { separateTimeLimits, sharedTimeLimits } from '../../src/postgres/time-limits.ts'

const LIMIT_MS = 1_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe.each([
  ['shared', sharedTimeLimits],
  ['separate', separateTimeLimits],
])('%s time limits', (_name, create) => {
  it('end each call at its time limit, but no call that is done', () => {
    const ended: string[] = []
    const limits = create<string>(LIMIT_MS, (call) => ended.push(call))
    limits.start('first')
    limits.start('stopped')
    vi.advanceTimersByTime(600)
    limits.start('second')
    limits.stop('stopped')
    vi.advanceTimersByTime(399)
    expect(ended).toEqual([])
    vi.advanceTimersByTime(1)
    expect(ended).toEqual(['first'])
    vi.advanceTimersByTime(599)
    expect(ended).toEqual(['first'])
    vi.advanceTimersByTime(1)
    expect(ended).toEqual(['first', 'second'])
  })

  it('keep no timer once all calls are done', () => {
    const limits = create<string>(LIMIT_MS, () => {})
    limits.start('first')
    limits.start('second')
    limits.stop('first')
    limits.stop('second')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('shared time limits', () => {
  it('start one timer for all pending calls', () => {
    const limits = sharedTimeLimits<string>(LIMIT_MS, () => {})
    for (const call of ['first', 'second', 'third']) limits.start(call)
    expect(vi.getTimerCount()).toBe(1)
  })

  it('limit calls that start after the last one ended', () => {
    const ended: string[] = []
    const limits = sharedTimeLimits<string>(LIMIT_MS, (call) => ended.push(call))
    for (const call of ['first', 'second']) {
      limits.start(call)
      vi.advanceTimersByTime(LIMIT_MS)
      limits.stop(call)
    }
    expect(ended).toEqual(['first', 'second'])
  })
})
