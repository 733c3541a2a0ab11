import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPauses, type Pauses, sleep } from '../../src/fill/pauses.ts'

const LEASE_MS = 1_000

describe('waiting for a lease', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** Whether it is time to poll again, and how long the pause before took. */
  async function paused(pauses: Pauses, heldMs: number | undefined): Promise<[asksAgain: boolean, ms: number]> {
    const startedAt = Date.now()
    const pause = pauses.next(heldMs)
    const sleeping = pause.done ? undefined : sleep(pause.value)
    await vi.runAllTimersAsync()
    await sleeping
    return [pause.done !== true, Date.now() - startedAt]
  }
  /** A wait that has polled until this many milliseconds of its lease had passed. */
  async function startedUntil(ms: number) {
    const pauses = createPauses(LEASE_MS, () => 0.5)
    const startedAt = Date.now()
    while (Date.now() < startedAt + ms) await paused(pauses, 10_000)
    return pauses
  }

  it('ends with the awaited lease, although another caller’s lease continues', async () => {
    const pauses = await startedUntil(LEASE_MS)
    expect(await paused(pauses, 5_000)).toEqual([false, 0])
  })

  it('polls once more if the answer took so long that the lease may have ended', async () => {
    const pauses = await startedUntil(LEASE_MS * 0.9)
    vi.advanceTimersByTime(400)
    const [asksAgain, pauseMs] = await paused(pauses, 300)
    expect(asksAgain).toBe(true)
    expect(pauseMs).toBeGreaterThanOrEqual(300)
    expect(pauseMs).toBeLessThan(400)
  })

  it('polls once more only once', async () => {
    const pauses = await startedUntil(LEASE_MS)
    expect((await paused(pauses, 50))[0]).toBe(true)
    expect((await paused(pauses, 50))[0]).toBe(false)
  })

  it('starts over once if another caller has taken over the lease by then', async () => {
    const pauses = await startedUntil(LEASE_MS)
    expect((await paused(pauses, 50))[0]).toBe(true)
    let waitedMs = 0
    for (let asksAgain = true; asksAgain; ) {
      const [again, ms] = await paused(pauses, 20_000)
      asksAgain = again
      waitedMs += ms
    }
    expect(waitedMs).toBeGreaterThanOrEqual(LEASE_MS * 0.9)
    expect(waitedMs).toBeLessThanOrEqual(LEASE_MS * 1.1)
  })

  it('polls at most 14 times, and 26 times if the lease may change hands, whatever the answers are', async () => {
    const held = fc.array(fc.oneof(fc.constant(undefined), fc.nat(2 * LEASE_MS)), { minLength: 40, maxLength: 40 })
    for (const [isLast, most] of [
      [true, 14],
      [false, 26],
    ] as const) {
      await fc.assert(
        fc.asyncProperty(held, fc.double({ min: 0, max: 0.999, noNaN: true }), async (answers, random) => {
          const pauses = createPauses(LEASE_MS, () => random, isLast)
          let times = 0
          for (const heldMs of answers) {
            if (!(await paused(pauses, heldMs))[0]) break
            times++
          }
          expect(times).toBeLessThanOrEqual(most)
        }),
        // The largest possible number.
        { examples: [[[undefined, ...Array.from({ length: 39 }, (_, i) => (i === 12 ? 50 : LEASE_MS))], 0.5]] },
      )
    }
  })
})
