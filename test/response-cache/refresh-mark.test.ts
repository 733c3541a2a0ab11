import { describe, expect, it } from 'vitest'
import { endRefresh, isRefresh, markRefresh, removeMark } from '../../src/response-cache/refresh-mark.ts'

const FIELD = 'pgstash-refresh'
const URL_A = 'https://example.com/a'

function marked(headers: Record<string, string> = {}): Request {
  const request = new Request(URL_A, { headers })
  markRefresh(request)
  return request
}

describe('the refresh marker', () => {
  it('is on the marked request, and on no other', () => {
    const request = marked()
    expect(isRefresh(request)).toBe(true)
    expect(isRefresh(new Request(URL_A))).toBe(false)
  })

  it('is on every request that middleware makes from the marked one', () => {
    const request = marked({ 'x-own': '1' })
    const copies = [request.clone(), new Request(request), new Request(`${URL_A}/b`, { headers: request.headers })]
    for (const copy of copies) expect(isRefresh(copy)).toBe(true)
  })

  it('cannot be forged', () => {
    const request = marked()
    for (const token of ['', '1', 'true', 'undefined', 'null', crypto.randomUUID()]) {
      expect(isRefresh(new Request(URL_A, { headers: { [FIELD]: token } }))).toBe(false)
    }
    const token = request.headers.get(FIELD) ?? ''
    expect(isRefresh(new Request(URL_A, { headers: { [FIELD]: `${token}, ${token}` } }))).toBe(false)
  })

  it('replaces a header of the client', () => {
    const request = marked({ [FIELD]: 'forged' })
    expect(request.headers.get(FIELD)).toMatch(/^[\da-f-]{36}$/)
    expect(isRefresh(new Request(request))).toBe(true)
  })

  it('differs for each refresh', () => {
    expect(marked().headers.get(FIELD)).not.toBe(marked().headers.get(FIELD))
  })

  it('stays on the request itself after its header is removed, but not on a copy', () => {
    const request = marked()
    removeMark(request.headers)
    expect([request.headers.has(FIELD), isRefresh(request), isRefresh(new Request(request))]).toEqual([
      false,
      true,
      false,
    ])
  })

  it('ends for the request and its copies, and for no other refresh', () => {
    const [request, other] = [marked(), marked()]
    const copy = new Request(request)
    endRefresh(request)
    endRefresh(new Request(other))
    expect([request, copy, other].map(isRefresh)).toEqual([false, false, true])
  })
})
