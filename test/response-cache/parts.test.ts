/** Partial responses, stored and combined (RFC 9111 3.3 and 3.4). */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createSite, emptied, type Site, stored } from '../hono/app.ts'
import { createForm, FORMS, type Form } from './forms.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const BODY = 'abcdefghijklmnopqrstuvwxyz'
const range = (value: string, headers: Record<string, string> = {}) => ({
  headers: { range: `bytes=${value}`, ...headers },
})

/** Answers ranges like a file server. */
function fileServer(etag = '"1"', extra: Record<string, string> = {}, body = BODY) {
  return (request: Request): Response => {
    const headers = new Headers({ 'cache-control': 'max-age=60', 'content-type': 'text/plain', etag, ...extra })
    if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get('range') ?? '') ?? []
    if (from === undefined) return new Response(body, { headers })
    const last = to ? Math.min(Number(to), body.length - 1) : body.length - 1
    headers.set('content-range', `bytes ${from}-${last}/${body.length}`)
    return new Response(body.slice(Number(from), last + 1), { status: 206, headers })
  }
}

const forwarded = (calls: readonly Request[]) =>
  calls.map(({ headers }) => [headers.get('range'), headers.get('if-none-match')])

describe.each<Form>([...FORMS])('with the %s form, a part', (form) => {
  it('answers later requests for bytes that it has, with their positions', async () => {
    const { fetch, calls } = createForm(form, site, fileServer())
    expect(brief(await fetch('/a', range('2-9')))).toBe('fwd=uri-miss;stored')
    for (const [asked, text, contentRange] of [
      ['2-9', 'cdefghij', 'bytes 2-9/26'],
      ['4-5', 'ef', 'bytes 4-5/26'],
    ] as const) {
      const hit = await fetch('/a', range(asked))
      expect([hit.status, brief(hit), await hit.text()]).toEqual([206, 'hit', text])
      expect(hit.headers.get('content-range')).toBe(contentRange)
      expect(hit.headers.get('content-length')).toBe(String(text.length))
    }
    expect(calls).toHaveLength(1)
  })

  it('never answers a request for the whole body, nor for missing bytes', async () => {
    const { fetch, calls } = createForm(form, site, fileServer())
    await fetch('/a', range('2-9'))
    const other = await fetch('/a', range('8-12'))
    expect([other.status, brief(other), await other.text()]).toEqual([206, 'fwd=partial;stored', 'ijklm'])
    const whole = await fetch('/a')
    expect([whole.status, brief(whole), await whole.text()]).toEqual([200, 'fwd=partial;stored', BODY])
    expect(calls).toHaveLength(3)
    expect(brief(await fetch('/a'))).toBe('hit')
  })

  it('is combined with others, until the whole body is available without the handler', async () => {
    const { fetch, calls } = createForm(form, site, fileServer())
    for (const asked of ['0-9', '20-25', '8-19']) await fetch('/a', range(asked))
    const whole = await fetch('/a')
    expect([whole.status, brief(whole), await whole.text()]).toEqual([200, 'hit', BODY])
    expect(whole.headers.has('content-range')).toBe(false)
    expect([calls.length, (await stored(site)).length]).toEqual([3, 1])
  })

  it('with all bytes is stored as the whole response', async () => {
    const { fetch, calls } = createForm(form, site, fileServer())
    await fetch('/a', range('0-'))
    const whole = await fetch('/a')
    expect([whole.status, brief(whole), await whole.text(), calls.length]).toEqual([200, 'hit', BODY, 1])
  })

  it('from another version replaces the stored one, and is not combined with it', async () => {
    let serve = fileServer('"1"')
    const { fetch } = createForm(form, site, (request) => serve(request))
    await fetch('/a', range('0-4'))
    serve = fileServer('"2"', {}, BODY.toUpperCase())
    await fetch('/a', range('5-9'))
    const first = await fetch('/a', range('0-4'))
    expect([brief(first), await first.text()]).toEqual(['fwd=partial;stored', 'ABCDE'])
  })

  it('without a strong validator, or of several ranges, is not stored', async () => {
    const weak = createForm(form, site, fileServer('W/"1"'))
    expect(brief(await weak.fetch('/a', range('0-4')))).toBe('fwd=uri-miss;detail=validator')
    const several = createForm(form, site, () => {
      const headers = { etag: '"1"', 'cache-control': 'max-age=60', 'content-type': 'multipart/byteranges; boundary=x' }
      return new Response('--x--', { status: 206, headers })
    })
    expect(brief(await several.fetch('/b', range('0-1,4-5')))).toBe('fwd=uri-miss;detail=ranges')
    expect(await stored(site)).toEqual([])
  })

  it('that a handler truncates or that contradicts its headers is not stored', async () => {
    const wrong = (headers: Record<string, string>) => () =>
      new Response('abc', { status: 206, headers: { etag: '"1"', 'cache-control': 'max-age=60', ...headers } })
    for (const contentRange of ['bytes 0-9/26', 'bytes 0-2/*', 'bytes 5-2/26', 'bytes 0-2/2', 'lines 0-2/26']) {
      const { fetch } = createForm(form, site, wrong({ 'content-range': contentRange }))
      expect(await (await fetch('/a', range('0-2'))).text()).toBe('abc')
    }
    expect(await stored(site)).toEqual([])
  })

  it('that is stale is validated by its entity tag, and keeps its bytes', async () => {
    const { fetch, calls } = createForm(form, site, fileServer())
    await fetch('/a', range('0-9'))
    await age(site, 70_000)
    const validated = await fetch('/a', range('2-4'))
    expect([validated.status, brief(validated), await validated.text()]).toEqual([
      206,
      'fwd=stale;fwd-status=304;stored',
      'cde',
    ])
    expect(brief(await fetch('/a', range('0-9')))).toBe('hit')
    expect(forwarded(calls)).toEqual([
      ['bytes=0-9', null],
      ['bytes=2-4', '"1"'],
    ])
  })

  it('answers If-Range and If-None-Match', async () => {
    const { fetch } = createForm(form, site, fileServer())
    await fetch('/a', range('0-9'))
    expect((await fetch('/a', range('2-4', { 'if-range': '"1"' }))).status).toBe(206)
    expect((await fetch('/a', range('2-4', { 'if-none-match': '"1"' }))).status).toBe(304)
    const changed = await fetch('/a', range('2-4', { 'if-range': '"0"' }))
    expect(brief(changed)).toMatch(/^fwd=partial/)
  })

  it('is deleted by purges and unsafe methods like any other response', async () => {
    const { fetch } = createForm(form, site, (request) =>
      request.method === 'PUT' ? new Response(null, { status: 204 }) : fileServer()(request),
    )
    await fetch('/a', range('0-9'))
    await fetch('/a', { method: 'PUT' })
    expect(await stored(site)).toEqual([])
  })

  it('has no digest of its message, and no header for the first client', async () => {
    const { fetch } = createForm(form, site, fileServer('"1"', { 'content-digest': 'sha-256=:AAAA:', 'x-page': 'yes' }))
    await fetch('/a', range('0-9'))
    const hit = await fetch('/a', range('0-4'))
    expect([hit.headers.get('content-digest'), hit.headers.get('x-page')]).toEqual([null, 'yes'])
  })

  it('is not stored if it is private, and parts longer together than maxBodyBytes are not combined', async () => {
    const secret = createForm(form, site, fileServer('"1"', { 'cache-control': 'private, max-age=60' }))
    expect(brief(await secret.fetch('/a', range('0-4')))).toBe('fwd=uri-miss;detail=private')
    const small = createForm(form, site, fileServer(), { maxBodyBytes: 8 })
    await small.fetch('/b', range('0-5'))
    await small.fetch('/b', range('6-11'))
    expect(brief(await small.fetch('/b', range('6-11')))).toBe('hit')
    expect(brief(await small.fetch('/b', range('0-5')))).toMatch(/^fwd=partial/)
  })
})
