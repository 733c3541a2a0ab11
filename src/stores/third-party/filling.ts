/**
 * The steps of a fill over a third party's `getOrSet`, so that its own leases, fences and stampede protection apply.
 *
 * A claim calls `getOrSet`. If `getOrSet` calls its `compute`, the claim is granted, and the fill or the release ends
 * the computation. Otherwise the value that `getOrSet` resolves with is the entry.
 */
import type { Cache, CacheSnapshot, Fill, GetOrSetOptions } from '../../cache.ts'
import { type ClaimAnswer, type ClaimRequest, type FillRequest, remainingMs } from '../../store/claims.ts'
import { type Item, type ReadOptions, type Reply, type Row, toReply } from '../../store/store.ts'
import type { StoredValue } from '../../values/codec.ts'
import type { Deadline } from '../../values/expiration.ts'
import { CACHE_DEFAULT, expirationOf } from './expirations.ts'

/** The result of a granted claim, in place of a value. */
const CLAIMED = Symbol('claimed')

/** A granted claim. It stays open until the fill or the release. */
interface Claim {
  /** Stores a value. */
  fill(value: unknown, request: FillRequest): Promise<void>
  release(): Promise<void>
}

interface Access {
  readonly at: (stored: string) => { readonly cache: Cache; readonly key: string }
  readonly encode: (value: unknown, key: string) => Promise<StoredValue>
  readonly decode: (item: Item) => Promise<unknown>
  readonly read: (key: string, options?: ReadOptions) => Promise<Reply<Row | undefined>>
}

export function filling({ at, encode, decode, read }: Access) {
  const claims = new Map<string, Claim>()

  async function readOrClaim(request: ClaimRequest): Promise<Reply<ClaimAnswer>> {
    const { key: stored, token, force, forCopy = false } = request
    const { cache, key } = at(stored)
    if (force) {
      claims.set(token, await claimRefresh(cache, key))
      return toReply({ entry: undefined, claimed: true, heldMs: undefined })
    }
    const value = await claimOrValue(cache, key, request)
    if (value === CLAIMED) return toReply({ entry: undefined, claimed: true, heldMs: undefined })
    const copied = forCopy ? (await read(stored, { forCopy })).value : undefined
    const row = copied ?? { ...(await encode(value, stored)), remainingMs: 0 }
    return toReply({ entry: { ...row, state: 'live' }, claimed: false, heldMs: undefined })
  }

  async function claimOrValue(cache: Cache, key: string, request: ClaimRequest): Promise<unknown> {
    let grant: (claimed: typeof CLAIMED) => void = () => {}
    const granted = new Promise<typeof CLAIMED>((resolve) => {
      grant = resolve
    })
    let isAnswered = false
    async function compute(fill: Fill): Promise<unknown> {
      // The cache returned an old value, and computes in the background. Nobody here would fill this claim.
      if (isAnswered) throw notComputed(fill)
      return new Promise((resolve, reject) => {
        claims.set(request.token, {
          async fill(value, { deadline, maxAgeMs, tags, asOf }) {
            if (asOf !== null) {
              // `getOrSet` takes no snapshot from its computation, so store the value by `set`.
              fill.skip()
              resolve(value)
              await done
              const expiration = expirationOf(deadline)
              await cache.set(key, value, { expiration, tags: tags ?? [], asOf: asOf as CacheSnapshot })
              return
            }
            if (deadline !== CACHE_DEFAULT) {
              fill.expireIn(expirationOf(ownDeadline(deadline, maxAgeMs, request)) ?? null)
            }
            fill.tag(...(tags ?? []))
            resolve(value)
            await done
          },
          async release() {
            reject(notComputed(fill))
            await done.catch(() => {})
          },
        })
        grant(CLAIMED)
      })
    }
    const done: Promise<unknown> = cache.getOrSet(key, compute, optionsOf(request))
    const answer = await Promise.race([done, granted])
    isAnswered = answer !== CLAIMED
    return answer
  }

  return {
    readOrClaim,
    async fill(request: FillRequest): Promise<Reply<boolean>> {
      const claim = claims.get(request.token)
      if (claim === undefined) return toReply(false)
      claims.delete(request.token)
      try {
        await claim.fill(await decode(request), request)
      } catch (error) {
        // Without this, the cache would wait for the value forever.
        await claim.release()
        throw error
      }
      return toReply(true)
    },
    async release(_key: string, token: string): Promise<Reply<void>> {
      const claim = claims.get(token)
      claims.delete(token)
      await claim?.release()
      return toReply(undefined)
    },
  }
}

/**
 * A refresh is a plain write with a snapshot from before the computation. So invalidations fence it, but writes do not.
 */
async function claimRefresh(cache: Cache, key: string): Promise<Claim> {
  const before = await cache.snapshot()
  return {
    async fill(value, { deadline, tags, asOf }) {
      const snapshot = (asOf as CacheSnapshot | null) ?? before
      await cache.set(key, value, { expiration: expirationOf(deadline), tags: tags ?? [], asOf: snapshot })
    },
    release: async () => {},
  }
}

/** Makes the error that ends a computation of the cache without a value. */
function notComputed(fill: Fill): Error {
  fill.skip()
  return new Error('The computation failed, or its value is not to be stored.')
}

/** Removes the slack, because the cache adds its own. Applies `maxAge`, which the cache would not know. */
function ownDeadline(deadline: Deadline, maxAgeMs: number | null, { sliding }: ClaimRequest): Deadline {
  if (sliding !== undefined && deadline.kind === 'after') {
    return { kind: 'after', ms: Math.round((deadline.ms * sliding.ttlMs) / sliding.lifeMs) }
  }
  return maxAgeMs === null ? deadline : { kind: 'after', ms: remainingMs(deadline, maxAgeMs) }
}

function optionsOf({ leaseMs, staleMs, sliding }: ClaimRequest): GetOrSetOptions {
  return {
    lease: { milliseconds: leaseMs },
    ...(staleMs === 0 ? {} : { stale: staleMs === null ? null : { milliseconds: staleMs } }),
    ...(sliding === undefined ? {} : { sliding: true, expiration: { milliseconds: sliding.ttlMs } }),
    ...(sliding === undefined || sliding.maxAgeMs === null ? {} : { maxAge: { milliseconds: sliding.maxAgeMs } }),
  }
}
