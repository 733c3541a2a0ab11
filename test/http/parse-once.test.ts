/** Counts how often the rules read the fields that they need. */
import { describe, expect, it } from 'vitest'
import * as http from '../../src/http/index.ts'
import { date, HOUR, MINUTE, NOW, SECOND } from './messages.ts'

const reads = new WeakMap<Headers, Map<string, number>>()

/** Counts the calls of `get` by the name of the field. */
function counted(fields: Record<string, string>): Headers {
  const headers = new Headers(fields)
  const counts = new Map<string, number>()
  const get = headers.get.bind(headers)
  reads.set(headers, counts)
  return Object.assign(headers, {
    get(name: string) {
      counts.set(name, (counts.get(name) ?? 0) + 1)
      return get(name)
    },
  })
}

const PARSED = ['cdn-cache-control', 'cache-control', 'date', 'age', 'expires']
const policy = http.createPolicy({ requestDirectives: true, staleWhileRevalidate: 60, staleIfError: 60 })

const request = () => ({ method: 'GET', headers: counted({ 'cache-control': 'max-stale=5' }) })

function timed(fields: Record<string, string>) {
  const common = { date: date(0), age: '1', etag: '"v1"', 'last-modified': date(-HOUR) }
  return { status: 200, headers: counted({ ...common, ...fields }), requestAt: NOW, responseAt: NOW }
}

const readsOf = (headers: Headers, names = PARSED) =>
  Object.fromEntries(names.map((name) => [name, reads.get(headers)?.get(name) ?? 0]))

describe('the rules parse', () => {
  it('a request once, from the lookup to the decision to store', () => {
    const [client, fresh] = [request(), timed({ 'cache-control': 'max-age=60' })]
    http.mayFill(client)
    http.mustNotForward(client, policy)
    http.reuse(client, fresh, NOW, policy)
    http.mayServeOnError(client, fresh, NOW, policy)
    http.mayStore(client, fresh, policy)
    http.freshenBy304(client, fresh, timed({}), policy)
    expect(readsOf(client.headers, ['cache-control'])).toEqual({ 'cache-control': 1 })
  })

  it.each([
    ['Cache-Control', { 'cache-control': 'max-age=60' }, 0],
    ['Expires', { expires: date(MINUTE) }, 1],
    ['CDN-Cache-Control', { 'cdn-cache-control': 'max-age=60' }, 0],
  ] as const)('a stored response once, if %s states its lifetime', (_, fields, expires) => {
    const stored = timed(fields)
    http.reuse(request(), stored, NOW + 61 * SECOND, policy)
    http.isShareable(stored, policy)
    http.mayServeOnError(request(), stored, NOW + 61 * SECOND, policy)
    http.servingSpans(stored, policy)
    http.freshness(stored, policy)
    http.answer(request(), stored, { now: NOW, bodyBytes: 1 })
    const targeted = 'cdn-cache-control' in fields
    expect(readsOf(stored.headers)).toEqual({
      'cdn-cache-control': 1,
      'cache-control': targeted ? 0 : 1,
      date: 1,
      age: 1,
      expires,
    })
  })

  it('a response of the origin once, until it is stored', () => {
    const fresh = timed({ 'cache-control': 'max-age=60' })
    http.mayStore(request(), fresh, policy)
    http.isShareable(fresh, policy)
    http.servingSpans(fresh, policy)
    http.fieldsToStore(fresh, policy)
    http.comparableOf(fresh)
    http.hasValidator(fresh)
    const names = ['cdn-cache-control', 'cache-control', 'age', 'date', 'etag', 'last-modified']
    expect(readsOf(fresh.headers, names)).toEqual(Object.fromEntries(names.map((name) => [name, 1])))
  })

  it('a 304 once', () => {
    const [stored, update] = [timed({ 'cache-control': 'max-age=60' }), timed({ 'cache-control': 'max-age=9' })]
    http.freshenBy304(request(), stored, update, policy)
    expect(readsOf(update.headers, ['cache-control'])).toEqual({ 'cache-control': 1 })
  })

  it('a response again under a policy with other targeted fields', () => {
    const stored = timed({ 'cdn-cache-control': 'max-age=9', 'cache-control': 'max-age=60' })
    const ignores = http.createPolicy({ targetedFields: [] })
    const lifetimes = [policy, ignores, policy].map((own) => http.freshness(stored, own).lifetimeMs)
    expect(lifetimes).toEqual([9 * SECOND, 60 * SECOND, 9 * SECOND])
  })

  it('a response again after an update created a new object', () => {
    const stored = timed({ 'cache-control': 'max-age=60' })
    expect(http.freshness(stored, policy).lifetimeMs).toBe(60 * SECOND)
    const changed = { ...stored, headers: new Headers({ 'cache-control': 'max-age=5' }) }
    expect(http.freshness(changed, policy).lifetimeMs).toBe(5 * SECOND)
  })
})
