import { afterEach, describe, expect, it, vi } from 'vitest'
import { randomBytes, randomNumber, randomUUID } from '../../src/values/random.ts'

afterEach(() => vi.restoreAllMocks())

describe('random values', () => {
  it('do not use the methods that Next wraps', () => {
    // Next wraps them on the object `crypto`, not on its class.
    const wrapped = [
      vi.spyOn(crypto, 'randomUUID').mockImplementation(refuse),
      vi.spyOn(crypto, 'getRandomValues').mockImplementation(refuse),
      vi.spyOn(Math, 'random').mockImplementation(refuse),
    ]
    expect(() => crypto.randomUUID()).toThrow('prerendering')
    randomUUID()
    randomBytes(16)
    randomNumber()
    expect(wrapped.map((spy) => spy.mock.calls.length)).toEqual([1, 0, 0])
  })

  it('come from the object if its class has no methods', () => {
    vi.stubGlobal('crypto', { randomUUID: () => 'its own' })
    expect(randomUUID()).toBe('its own')
    vi.unstubAllGlobals()
  })

  it('are UUIDs, bytes, and numbers from 0 up to 1', () => {
    expect(randomUUID()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(randomUUID()).not.toBe(randomUUID())
    expect([...randomBytes(32)].some((byte) => byte !== 0)).toBe(true)
    const numbers = Array.from({ length: 10_000 }, randomNumber)
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...numbers)).toBeLessThan(1)
    // The mean of this many numbers deviates further once in 10⁹ runs.
    expect(Math.abs(numbers.reduce((sum, each) => sum + each, 0) / numbers.length - 0.5)).toBeLessThan(0.02)
  })
})

function refuse(): never {
  throw new Error('not while prerendering')
}
