import fc from 'fast-check'
import { parseList } from 'structured-headers'
import { describe, expect, it } from 'vitest'
import { addRateLimitFields, seconds } from '../../src/rate-limit/fields.ts'

const USAGE = { name: 'api', limit: 100, periodMs: 60_000, remaining: 50, resetMs: 29_001 }

function fields(existing: Record<string, string> = {}, usage = USAGE) {
  const headers = new Headers(existing)
  addRateLimitFields(headers, usage)
  return { policy: headers.get('ratelimit-policy'), state: headers.get('ratelimit') }
}

describe('the rate-limit headers', () => {
  it('follow the draft, with whole seconds rounded up', () => {
    expect(fields()).toEqual({ policy: '"api";q=100;w=60', state: '"api";r=50;t=30' })
  })

  it('never state a window of zero seconds', () => {
    const short = { ...USAGE, periodMs: 1, resetMs: 0 }
    expect(fields({}, short)).toEqual({ policy: '"api";q=100;w=1', state: '"api";r=50;t=1' })
    expect([0, 1, 1_000, 1_001].map(seconds)).toEqual([1, 1, 1, 2])
  })

  it('precede the existing ones', () => {
    const existing = { 'ratelimit-policy': '"origin";q=5;w=1;acme-x="a, b"', ratelimit: '"origin";r=1' }
    expect(fields(existing)).toEqual({
      policy: '"api";q=100;w=60, "origin";q=5;w=1;acme-x="a, b"',
      state: '"api";r=50;t=30, "origin";r=1',
    })
  })

  it('replace a malformed value, such as one of an older draft', () => {
    expect(fields({ 'ratelimit-policy': '"torn', ratelimit: 'limit=1, remaining=' })).toEqual(fields())
  })

  it('can be parsed for any numbers and any existing value', () => {
    const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    const usage = fc.record({ limit: number, periodMs: number, remaining: number, resetMs: number })
    fc.assert(
      fc.property(usage, fc.string(), (numbers, noise) => {
        const headers = new Map([['RateLimit', noise]])
        const access = {
          get: (name: string) => headers.get(name) ?? null,
          set: (name: string, value: string) => void headers.set(name, value),
        }
        addRateLimitFields(access, { name: 'api', ...numbers })
        for (const value of headers.values()) expect(parseList(value)[0]?.[0]).toBe('api')
      }),
    )
  })
})
