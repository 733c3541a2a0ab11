import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startWait } from '../../src/fill/wait.ts'

const LEASE_MS = 1_000

describe('a wait', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** The time that a pause takes, and whether it is time to look again. */
  async function paused(wait: ReturnType<typeof startWait>, heldMs: number | undefined): Promise<[boolean, number]> {
    const startedAt = Date.now()
    const pause = wait.pause(heldMs)
    await vi.runAllTimersAsync()
    return [await pause, Date.now() - startedAt]
  }
  /** Looks until so many milliseconds of the lease are over. */
  async function startedUntil(ms: number) {
    const wait = startWait(LEASE_MS, () => 0.5)
    const startedAt = Date.now()
    while (Date.now() < startedAt + ms) await paused(wait, 10_000)
    return wait
  }

  it('ends with its lease, where another’s goes on', async () => {
    const wait = await startedUntil(LEASE_MS)
    expect(await paused(wait, 5_000)).toEqual([false, 0])
  })

  it('looks once more where the answer was so long under way that the lease may have ended', async () => {
    const wait = await startedUntil(LEASE_MS * 0.9)
    vi.advanceTimersByTime(400)
    const [looks, pauseMs] = await paused(wait, 300)
    expect(looks).toBe(true)
    expect(pauseMs).toBeGreaterThanOrEqual(300)
    expect(pauseMs).toBeLessThan(400)
  })

  it('does so once', async () => {
    const wait = await startedUntil(LEASE_MS)
    expect((await paused(wait, 50))[0]).toBe(true)
    expect((await paused(wait, 50))[0]).toBe(false)
  })

  it('begins anew where another has taken over by then, and not a second time', async () => {
    const wait = await startedUntil(LEASE_MS)
    expect((await paused(wait, 50))[0]).toBe(true)
    let waitedMs = 0
    for (let looks = true; looks; ) {
      const [again, ms] = await paused(wait, 20_000)
      looks = again
      waitedMs += ms
    }
    expect(waitedMs).toBeGreaterThanOrEqual(LEASE_MS * 0.9)
    expect(waitedMs).toBeLessThanOrEqual(LEASE_MS * 1.1)
  })

  it('looks 14 times at most, and 26 where the lease may change hands, whatever it is told', async () => {
    const told = fc.array(fc.oneof(fc.constant(undefined), fc.nat(2 * LEASE_MS)), { minLength: 40, maxLength: 40 })
    for (const [isLast, most] of [
      [true, 14],
      [false, 26],
    ] as const) {
      await fc.assert(
        fc.asyncProperty(told, fc.double({ min: 0, max: 0.999, noNaN: true }), async (answers, random) => {
          const wait = startWait(LEASE_MS, () => random, isLast)
          let looks = 0
          for (const heldMs of answers) {
            if (!(await paused(wait, heldMs))[0]) break
            looks++
          }
          expect(looks).toBeLessThanOrEqual(most)
        }),
        // The most that can be.
        { examples: [[[undefined, ...Array.from({ length: 39 }, (_, i) => (i === 12 ? 50 : LEASE_MS))], 0.5]] },
      )
    }
  })
})
