/** A custom store gets all of `getOrSet` for three functions. */
import {
  type ClaimAnswer,
  createFiller,
  DatabaseTimeoutError,
  type Fill,
  type FillRequest,
  type FillStore,
} from 'pgstash'
import { describe, expect, it, vi } from 'vitest'
import { pause, times } from './clients.ts'

/** A store with the minimum of functions: no tags, no sliding. */
function mapStore(): FillStore & { readonly steps: string[] } {
  const entries = new Map<string, FillRequest & { expiresAt: number }>()
  const leases = new Map<string, { token: string; until: number }>()
  const steps: string[] = []
  return {
    steps,
    async readOrClaim({ key, token, leaseMs, force }): Promise<ClaimAnswer> {
      steps.push('read or claim')
      const now = Date.now()
      const entry = entries.get(key)
      const isLive = entry !== undefined && entry.expiresAt > now
      const lease = leases.get(key)
      const isHeld = lease !== undefined && lease.token !== token && lease.until > now
      const claimed = (!isLive || force) && !isHeld
      if (claimed) leases.set(key, { token, until: now + leaseMs })
      return {
        entry: isLive ? { ...entry, state: 'live' } : undefined,
        claimed,
        heldMs: isHeld ? lease.until - now : undefined,
      }
    },
    async fill(request) {
      steps.push('fill')
      if (leases.get(request.key)?.token !== request.token) return false
      leases.delete(request.key)
      const { deadline } = request
      entries.set(request.key, {
        ...request,
        expiresAt:
          deadline.kind === 'after' ? Date.now() + deadline.ms : deadline.kind === 'at' ? deadline.epochMs : Infinity,
      })
      return true
    },
    async release(key, token) {
      steps.push('release')
      if (leases.get(key)?.token === token) leases.delete(key)
    },
  }
}

describe('a store with only the three steps', () => {
  it('computes once, stores, and hits', async () => {
    const store = mapStore()
    const fillers = times(5, () => createFiller(store))
    let computed = 0
    const compute = () => pause(20).then(() => ({ n: ++computed }))
    const values = await Promise.all(
      fillers.flatMap((filler) => times(4, () => filler.getOrSet('key', 'key', compute))),
    )
    expect(values).toEqual(times(20, () => ({ n: 1 })))
    expect(store.steps.filter((step) => step === 'fill')).toHaveLength(1)
    expect(await fillers[0]?.getOrSet('key', 'key', compute)).toEqual({ n: 1 })
  })

  it.each([{}, { waitUntil: () => {} }])(
    'lets a computation use its own key without waiting for itself, with %o',
    async (options) => {
      const filler = createFiller(mapStore())
      const ask = (compute: unknown) => filler.getOrSet('key', 'key', compute, options)
      const refresh = (compute: unknown) => filler.refresh('key', 'key', compute, options)
      const startedAt = performance.now()
      expect(await refresh(() => ask(() => 'asked in a refresh'))).toBe('asked in a refresh')
      expect(await refresh(() => refresh(() => 'refreshed in a refresh'))).toBe('refreshed in a refresh')
      expect(
        await filler.getOrSet('other', 'other', () => filler.refresh('other', 'other', 'refreshed', options)),
      ).toBe('refreshed')
      // The default lease is ten seconds.
      expect(performance.now() - startedAt).toBeLessThan(9_000)
    },
  )

  it('stores nothing if the computation sets a past deadline, sliding or not', async () => {
    const filler = createFiller(mapStore())
    for (const sliding of [false, true]) {
      for (const expiration of [0, new Date(0)]) {
        const compute = vi.fn((fill: Fill) => {
          fill.expireIn(expiration)
          return 'computed'
        })
        const ask = () => filler.getOrSet('key', 'key', compute, { sliding, expiration: 60 })
        expect([await ask(), await ask()]).toEqual(['computed', 'computed'])
        expect(compute).toHaveBeenCalledTimes(2)
      }
    }
  })

  it('has the defaults if an option is undefined', async () => {
    const given = { codec: undefined, random: undefined, timeoutMs: undefined, slack: undefined } as object
    const filler = createFiller(mapStore(), given)
    const ask = () =>
      filler.getOrSet('key', 'key', async () => ['computed'], { sliding: true, expiration: 60, beta: 1 })
    expect(await Promise.all([ask(), ask()])).toEqual([['computed'], ['computed']])
  })

  it('releases the lease if the computation fails', async () => {
    const store = mapStore()
    const filler = createFiller(store)
    await expect(filler.getOrSet('key', 'key', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(store.steps).toEqual(['read or claim', 'release'])
    expect(await filler.getOrSet('key', 'key', 'fine')).toBe('fine')
  })

  it('lets the caller compute if the store fails and the option asks for that', async () => {
    const broken: FillStore = {
      readOrClaim: () => Promise.reject(new Error('away')),
      fill: () => Promise.reject(new Error('away')),
      release: () => Promise.reject(new Error('away')),
    }
    expect(await createFiller(broken, { onError: 'miss' }).getOrSet('key', 'key', 'computed')).toBe('computed')
    await expect(createFiller(broken).getOrSet('key', 'key', 'computed')).rejects.toThrow('away')
  })

  it('computes once for a call that sent a second lookup because the first got no answer', async () => {
    vi.useFakeTimers()
    try {
      let asked = 0
      const slow: FillStore = {
        readOrClaim: async () =>
          ++asked === 1 ? new Promise(() => {}) : { entry: undefined, claimed: true, heldMs: undefined },
        fill: async () => true,
        release: async () => {},
      }
      const filler = createFiller(slow)
      let computed = 0
      const compute = () => new Promise((resolve) => setTimeout(resolve, 60_000, ++computed))
      const [, second] = times(2, () => filler.getOrSet('key', 'key', compute, { lease: '10s' }))
      await vi.advanceTimersByTimeAsync(120_000)
      expect(await second).toBe(1)
      expect(computed).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('returns the computed value of such a call, although the first lookup fails meanwhile', async () => {
    vi.useFakeTimers()
    try {
      let asked = 0
      const late = () => new Promise<never>((_, reject) => setTimeout(reject, 5_000, new DatabaseTimeoutError(5_000)))
      const slow: FillStore = {
        readOrClaim: async () => (++asked === 1 ? late() : { entry: undefined, claimed: true, heldMs: undefined }),
        fill: async () => true,
        release: async () => {},
      }
      const filler = createFiller(slow)
      let computed = 0
      const compute = () => new Promise((resolve) => setTimeout(resolve, 60_000, ++computed))
      const calls = times(3, () => filler.getOrSet('key', 'key', compute, { lease: '2m' }))
      const ends = Promise.allSettled(calls)
      await vi.advanceTimersByTimeAsync(120_000)
      expect((await ends).map((end) => ('value' in end ? end.value : end.reason.code))).toEqual(['TIMEOUT', 1, 1])
    } finally {
      vi.useRealTimers()
    }
  })

  it('may grant no leases', async () => {
    const none: FillStore = {
      readOrClaim: async () => ({ entry: undefined, claimed: 'unavailable', heldMs: undefined }),
      fill: () => Promise.reject(new Error('never asked')),
      release: () => Promise.reject(new Error('never asked')),
    }
    expect(await createFiller(none).getOrSet('key', 'key', () => 'computed')).toBe('computed')
  })
})
