import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { earlyFactor } from '../../src/fill/options.ts'
import { MAX_POLLS, pollPauseMs, takeOverMs } from '../../src/fill/pauses.ts'
import { seededRandom } from '../../src/values/seeded-random.ts'
import { times } from './clients.ts'

describe('pauses between polls', () => {
  it('grow, start short, and fill the lease together', () => {
    for (const lease of [1_000, 10_000, 60_000]) {
      const pauses = times(MAX_POLLS, (i) => pollPauseMs(i + 1, lease, 0.5))
      expect(pauses).toEqual(pauses.toSorted((a, b) => a - b))
      expect(pauses[0]).toBeLessThan(lease / 50)
      const sum = pauses.reduce((total, pause) => total + pause, 0)
      expect(sum / lease).toBeGreaterThan(0.99)
      expect(sum / lease).toBeLessThan(1.1)
    }
  })

  it('are jittered by a quarter, and never close to zero', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: MAX_POLLS }),
        fc.nat(100_000),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (i, lease, random) => {
          const pause = pollPauseMs(i, lease, random)
          const middle = pollPauseMs(i, lease, 0.5)
          expect(pause).toBeGreaterThanOrEqual(10)
          expect(pause).toBeGreaterThanOrEqual(middle * 0.74)
          expect(pause).toBeLessThanOrEqual(Math.max(10, middle * 1.26))
        },
      ),
    )
  })

  it('end after a lease has run out, not before', () => {
    for (const random of [0, 0.5, 0.999]) expect(takeOverMs(500, random)).toBeGreaterThan(500)
  })
})

describe('early refreshes', () => {
  const DRAWS = 200_000
  // The same random draws in every run.
  const random = seededRandom(20_261_125)

  it('are exponentially distributed, as in XFetch: P(factor > x) = e^(−x/β)', () => {
    for (const beta of [0.5, 1, 3]) {
      const factors = times(DRAWS, () => earlyFactor(beta, random()))
      for (const x of [0.1, 0.5, 1, 2, 4]) {
        const expected = Math.exp(-x / beta)
        const observed = factors.filter((factor) => factor > x).length / DRAWS
        // Five standard deviations of a binomial share.
        expect(Math.abs(observed - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / DRAWS))
      }
      const mean = factors.reduce((sum, factor) => sum + factor, 0) / DRAWS
      expect(Math.abs(mean - beta)).toBeLessThan((5 * beta) / Math.sqrt(DRAWS))
    }
  })

  it('are off with beta 0, and finite at both ends of the random source', () => {
    expect(earlyFactor(0, 0.7)).toBe(0)
    expect(earlyFactor(1, 0)).toBeCloseTo(0)
    expect(Number.isFinite(earlyFactor(1, 1 - 2 ** -53))).toBe(true)
  })

  /**
   * For a hot key: the number of requests per duration of the computation, until the first that refreshes. Returns how
   * early that is, in durations.
   */
  function lead(requestsPerDuration: number): number {
    const step = 1 / requestsPerDuration
    for (let remaining = 40; remaining > 0; remaining -= step)
      if (earlyFactor(1, random()) >= remaining) return remaining
    return 0
  }

  it('come in time for a hot key: the lead grows with the logarithm of the rate', () => {
    const ROUNDS = 2_000
    for (const rate of [10, 100]) {
      const leads = times(ROUNDS, () => lead(rate))
      const mean = leads.reduce((sum, each) => sum + each, 0) / ROUNDS
      // The lead is the largest of many exponential draws against a falling bar: P(lead < x) = exp(−rate e^(−x)). This
      // is a Gumbel distribution with mean ln(rate) + γ and variance π²/6.
      const theory = Math.log(rate) + 0.5772
      // The discrete steps shift it by less than one of them.
      expect(Math.abs(mean - theory)).toBeLessThan(5 * (1.283 / Math.sqrt(ROUNDS)) + 1 / rate)
      expect(leads.filter((each) => each === 0).length / ROUNDS).toBeLessThan(Math.exp(-rate) + 0.005)
    }
  })
})
