import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createApp, createSite, emptied, fresh, type Site } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const EIGHT_MB = 8_000_000
/** The names and types of an answer's columns, and the metadata of a response. */
const WITHOUT_BODY = 2_600

const TEXT = new TextEncoder().encode('aé€😀'.repeat(EIGHT_MB / 10))
const BYTES = TEXT.map((byte) => byte ^ 0xff)

function rangedApp(body: Uint8Array<ArrayBuffer>) {
  return createApp(
    site,
    (c) => {
      const headers = { ...fresh, etag: '"1"', 'last-modified': 'Tue, 01 Jan 2019 00:00:00 GMT' }
      return c.req.header('if-none-match') === '"1"' ? c.body(null, 304, headers) : c.body(body, 200, headers)
    },
    { staleIfError: '1h' },
  )
}

describe.each([
  ['text', TEXT],
  ['bytes', BYTES],
])('a range of a stored body of 8 MB of %s', (_, whole) => {
  it.each([
    ['bytes=0-9', 0, 10],
    ['bytes=4000001-4000010', 4_000_001, 4_000_011],
    ['bytes=-10', EIGHT_MB - 10, EIGHT_MB],
    ['bytes=7999995-9000000', EIGHT_MB - 5, EIGHT_MB],
    ['bytes=7999995-', EIGHT_MB - 5, EIGHT_MB],
  ])('transfers only that part from the database: %s', async (range, from, to) => {
    const { fetch } = rangedApp(whole)
    await fetch('/a')
    site.faults.reset()
    const part = await fetch('/a', { headers: { range } })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes ${from}-${to - 1}/${EIGHT_MB}`])
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(whole.subarray(from, to))
    expect([site.faults.requests, site.faults.bytesOut < WITHOUT_BODY]).toEqual([1, true])
  })

  it('transfers nothing if it lies outside of the body', async () => {
    const { fetch } = rangedApp(whole)
    await fetch('/a')
    site.faults.reset()
    for (const range of ['bytes=8000000-', 'bytes=99999999999999999999999-', 'bytes=-0']) {
      expect((await fetch('/a', { headers: { range } })).status).toBe(416)
    }
    expect([site.faults.requests, site.faults.bytesOut < 3 * WITHOUT_BODY]).toEqual([3, true])
  })
})

const SMALL = new TextEncoder().encode('aé€😀'.repeat(100))

describe('a range request', () => {
  it('transfers the whole body if the answer depends on the stored response', async () => {
    const { fetch } = rangedApp(SMALL)
    await fetch('/a')
    site.faults.reset()
    for (const [ifRange, status] of [
      ['"1"', 206],
      ['"2"', 200],
    ] as const) {
      const response = await fetch('/a', { headers: { range: 'bytes=5-14', 'if-range': ifRange } })
      expect(response.status).toBe(status)
      const expected = status === 206 ? SMALL.subarray(5, 15) : SMALL
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(expected)
    }
    expect(site.faults.requests).toBe(2)
  })

  it('with several ranges gets the whole body', async () => {
    const { fetch } = rangedApp(SMALL)
    await fetch('/a')
    const response = await fetch('/a', { headers: { range: 'bytes=0-1,5-6' } })
    expect([response.status, new Uint8Array(await response.arrayBuffer())]).toEqual([200, SMALL])
  })

  it('for an empty body is unsatisfiable, and a suffix range gets the whole body', async () => {
    const { fetch } = rangedApp(new Uint8Array())
    await fetch('/a')
    expect((await fetch('/a', { headers: { range: 'bytes=0-9' } })).status).toBe(416)
    const suffix = await fetch('/a', { headers: { range: 'bytes=-9' } })
    expect([suffix.status, await suffix.text()]).toEqual([200, ''])
  })

  it('for a stale response that the handler validates transfers only that part', async () => {
    const { fetch } = rangedApp(TEXT)
    await fetch('/a')
    await age(site, 70_000)
    site.faults.reset()
    const response = await fetch('/a', { headers: { range: 'bytes=5-14' } })
    expect([response.status, brief(response)]).toEqual([206, 'fwd=stale;fwd-status=304;stored'])
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(TEXT.subarray(5, 15))
    expect([site.faults.requests, site.faults.bytesOut < WITHOUT_BODY + 500]).toEqual([2, true])
    const whole = await fetch('/a')
    // Comparing eight million elements with toEqual takes a minute.
    expect(Buffer.from(await whole.arrayBuffer()).equals(TEXT)).toBe(true)
  })

  it('transfers nothing if the client has the response', async () => {
    const { fetch } = rangedApp(SMALL)
    await fetch('/a')
    const headers = { range: 'bytes=0-9', 'if-none-match': '"1"' }
    expect((await fetch('/a', { headers })).status).toBe(304)
    const changed = await fetch('/a', { headers: { ...headers, 'if-none-match': '"2"' } })
    expect(changed.status).toBe(206)
  })
})
