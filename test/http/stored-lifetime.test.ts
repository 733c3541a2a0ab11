import { describe, expect, it } from 'vitest'
import { createPolicy } from '../../src/http/policy.ts'
import { lifetimeOf } from '../../src/http/stored-lifetime.ts'
import { DAY, MINUTE, NOW, response, SECOND } from './messages.ts'

const policy = createPolicy({ defaultLifetime: 60, staleIfError: 30 })
const options = { validatableMs: DAY }
const sliding = { lifeMs: MINUTE, maxAgeMs: DAY }

describe('a stored response', () => {
  it('has a deadline from its freshness and its age', () => {
    const { deadline } = lifetimeOf(response({ 'cache-control': 'max-age=60', age: '20' }), policy, options)
    expect(deadline).toEqual({ kind: 'at', epochMs: NOW + 40 * SECOND })
  })

  it('is kept as long as it may be served stale', () => {
    const named = response({ 'cache-control': 'max-age=60, stale-while-revalidate=90' })
    expect(lifetimeOf(named, policy, options).retentionMs).toBe(90 * SECOND)
    expect(lifetimeOf(response({ 'cache-control': 'max-age=60' }), policy, options).retentionMs).toBe(30 * SECOND)
  })

  it('is kept longer if it can be validated', () => {
    expect(lifetimeOf(response({ 'cache-control': 'max-age=60', etag: '"v1"' }), policy, options).retentionMs).toBe(DAY)
  })

  it('slides only if it states no lifetime', () => {
    const assigned = lifetimeOf(response({}), policy, { ...options, sliding })
    expect(assigned).toEqual({
      deadline: { kind: 'after', ms: MINUTE },
      maxAgeMs: DAY,
      retentionMs: 30 * SECOND,
      isSliding: true,
    })
    const stated = lifetimeOf(response({ 'cache-control': 'max-age=5' }), policy, { ...options, sliding })
    expect(stated).toMatchObject({ deadline: { kind: 'at' }, maxAgeMs: null, isSliding: false })
  })

  it('expires at once if it was stale on arrival, and stays for validation', () => {
    const { deadline, retentionMs } = lifetimeOf(
      response({ 'cache-control': 'max-age=0', etag: '"v1"' }),
      policy,
      options,
    )
    expect([deadline, retentionMs]).toEqual([{ kind: 'at', epochMs: NOW }, DAY])
  })
})
