/** Both forms of the response cache in workerd, compared with the same handler without a cache. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, createSite, emptied, heldLeases, type Site, stored, times } from '../hono/app.ts'
import { FORMS } from '../response-cache/forms.ts'
import { ask, exchange, leave, type Reply } from '../response-cache/servers.ts'
import { eventually } from '../setup/eventually.ts'
import { startWorker } from './in-workerd.ts'
import { BODIES, BODIES_IN_BASE64, LARGE_BYTES, startOrigin, TEXT } from './origin-server.ts'

let site: Site
let base: URL
let origin: Awaited<ReturnType<typeof startOrigin>>
beforeAll(async () => {
  site = await createSite()
  origin = await startOrigin()
  base = await startWorker(site, { ORIGIN: origin.url, BODIES: BODIES_IN_BASE64 })
})
beforeEach(() => emptied(site))

const ACCEPT = { 'accept-encoding': 'gzip, br' }
const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  ask(base, path, { ...ACCEPT, ...headers }, method)
const status = ({ headers }: Reply) => String(headers['cache-status']).replace(/^pgstash;|;ttl=-?\d+|"/g, '')

/** The parts of a reply that a client reads. */
function seen({ status: code, headers, bytes }: Reply) {
  const coding = headers['content-encoding']
  const isWhole = bytes.length > 0 && code === 200
  const decoded =
    isWhole && (coding === 'gzip' || coding === 'x-gzip')
      ? gunzipSync(bytes)
      : isWhole && coding === 'br'
        ? brotliDecompressSync(bytes)
        : bytes
  return { code, coding, type: headers['content-type'], text: decoded.toString('latin1') }
}

const isStored = (count = 1) => eventually(async () => expect(await stored(site)).toHaveLength(count))
const runs = async (path: string): Promise<{ headers: Record<string, string>; cf: object }[]> =>
  JSON.parse((await ask(base, `/runs?path=${path}`)).bytes.toString())

describe.each(FORMS)('a response in the form for %s', (form) => {
  const body = (query: string) => `/${form}/body?etag="1"&content-digest=sha-256=:AAAA:&${query}`

  it.each<[string, string, string]>([
    ['gzip, encoded by the runtime', 'content-encoding=gzip&body=text', 'hit'],
    ['gzip, encoded by the handler', 'content-encoding=gzip&body=gzip&encode=manual', 'hit'],
    ['gzip without a body', 'content-encoding=gzip', 'hit'],
    ['gzip of an empty body', 'content-encoding=gzip&body=empty', 'hit'],
    ['gzip of an empty body, encoded by the handler', 'content-encoding=gzip&body=empty&encode=manual', 'hit'],
    ['gzip of a gzip file', 'content-encoding=gzip&body=gzip&content-type=application/gzip', 'content-encoding'],
    ['a gzip file', 'body=gzip&content-type=application/gzip', 'hit'],
    [
      'a gzip file, encoded by the handler',
      'content-encoding=gzip&body=gzip&content-type=application/gzip&encode=manual',
      'content-encoding',
    ],
    ['x-gzip', 'content-encoding=x-gzip&body=gzip', 'hit'],
    ['GZIP, which the runtime does not encode', 'content-encoding=GZIP&body=gzip', 'hit'],
    ['GZIP around a text that is not encoded', 'content-encoding=GZIP&body=text', 'hit'],
    ['br, encoded by the runtime', 'content-encoding=br&body=text', 'content-encoding'],
    ['br, encoded by the handler', 'content-encoding=br&body=br&encode=manual', 'content-encoding'],
    ['deflate', 'content-encoding=deflate&body=deflate', 'hit'],
    ['zstd', 'content-encoding=zstd&body=bytes', 'hit'],
    ['two encodings', 'content-encoding=gzip,zstd&body=bytes', 'hit'],
    ['identity', 'content-encoding=identity&body=text', 'hit'],
    ['no encoding', 'body=text', 'hit'],
  ])('with %s has the bytes of the handler on a miss, a hit and a POST', async (_name, query, second) => {
    const path = body(query)
    const bare = await get(path.replace(form, 'bare'))
    const miss = await get(path)
    if (second === 'hit') await isStored()
    const [hit, post] = [await get(path), await get(path, {}, 'POST')]
    expect([miss, hit, post].map(seen)).toEqual(times(3, () => seen(bare)))
    expect([miss, hit, post].map(status)).toEqual([
      second === 'hit' ? 'fwd=uri-miss;stored' : `fwd=uri-miss;detail=${second}`,
      second === 'hit' ? 'hit' : `fwd=uri-miss;detail=${second}`,
      'fwd=method',
    ])
    // A miss passes through: with its length, and with the bytes that ETag and digests name.
    expect([miss.bytes, miss.headers['content-length']]).toEqual([bare.bytes, bare.headers['content-length']])
  })

  it('that the handler encoded is answered with a part of its encoded bytes', async () => {
    const path = body('content-encoding=gzip&body=gzip&encode=manual')
    await get(path)
    await isStored()
    const part = await get(path, { range: 'bytes=2-9' })
    expect([part.status, part.bytes]).toEqual([206, BODIES.gzip?.subarray(2, 10)])
    expect(part.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': '8' })
    expect(part.headers).not.toHaveProperty('content-digest')
  })

  it('that the handler encoded is answered with its length to a HEAD, and with a 304', async () => {
    const path = body('content-encoding=gzip&body=gzip&encode=manual')
    await get(path)
    await isStored()
    const head = await get(path, {}, 'HEAD')
    expect([head.headers['content-length'], status(head)]).toEqual([String(BODIES.gzip?.length), 'hit'])
    const unchanged = await get(path, { 'if-none-match': '"1"' })
    expect([unchanged.status, unchanged.headers.etag, status(unchanged)]).toEqual([304, '"1"', 'hit'])
  })

  it('that the runtime encodes is answered whole to a range, and a HEAD states no length', async () => {
    const path = body('content-encoding=gzip&body=text')
    await get(path)
    await isStored()
    const part = await get(path, { range: 'bytes=2-9' })
    expect([part.status, seen(part).text, part.headers.etag]).toEqual([200, TEXT, 'W/"1"'])
    expect(part.headers).not.toHaveProperty('content-digest')
    const head = await get(path, {}, 'HEAD')
    expect([status(head), head.headers['content-length']]).toEqual(['hit', undefined])
  })

  it.each(['gzip', 'gzip/chunked', 'text'])('that fetch() made of %s is stored, and passed through', async (kind) => {
    const miss = await get(`/${form}/origin/${kind}`)
    expect(miss.bytes.equals(BODIES[kind.split('/')[0] ?? ''] as Buffer)).toBe(true)
    await isStored()
    const hit = await get(`/${form}/origin/${kind}`)
    expect([status(miss), status(hit), seen(hit).text]).toEqual(['fwd=uri-miss;stored', 'hit', TEXT])
    expect(await runs(`/${form}/origin/${kind}`)).toHaveLength(1)
  })

  it('that comes from fetch() is fetched once for five concurrent requests', async () => {
    const path = `/${form}/origin/gzip/once`
    const replies = await Promise.all(times(5, () => get(path)))
    expect(replies.map((reply) => seen(reply).text)).toEqual(times(5, () => TEXT))
    expect(await runs(path)).toHaveLength(1)
  })

  it('that may not be stored makes no request wait for another', async () => {
    // The origin answers the second to the fifth request together. If they came one after another, they would never be
    // answered.
    origin.asked.delete('/br/together')
    const path = `/${form}/origin/br/together`
    const replies = await Promise.all(times(5, () => get(path)))
    expect(replies.map((reply) => seen(reply).text)).toEqual(times(5, () => TEXT))
    expect(await runs(path)).toHaveLength(5)
  })

  it.each(['gzip/cut', 'text/cut'])('that ends early fails for the client, and is not stored: %s', async (kind) => {
    for (const _ of [1, 2]) await expect(get(`/${form}/origin/${kind}`)).rejects.toThrow()
    await eventually(async () => expect(await heldLeases(site)).toEqual(['pass']))
    expect(await stored(site)).toEqual([])
  })

  it('blocks no request if its client disconnects', async () => {
    await leave(base, `/${form}/origin/text/slow`)
    await eventually(async () => expect(await heldLeases(site)).toEqual([]))
    const next = await get(`/${form}/origin/text/slow`)
    expect(seen(next).text).toBe(TEXT)
  })

  it('that is larger than maxBodyBytes is passed through, and not stored', async () => {
    const reply = await get(`/${form}/origin/text/large`)
    expect([reply.status, reply.bytes.length]).toEqual([200, LARGE_BYTES])
    await eventually(async () => expect(await heldLeases(site)).toEqual(['pass']))
  })

  it('with an encoding that ends early is not stored', async () => {
    await get(`/${form}/origin/gzip/short`)
    await eventually(async () => expect(await heldLeases(site)).toEqual(['pass']))
    expect(await stored(site)).toEqual([])
  })
})

describe.each(FORMS)('in the form for %s', (form) => {
  it('chunks of every type are stored with the bytes that the client got', async () => {
    const path = `/${form}/chunks`
    const miss = await get(path)
    await isStored()
    expect([seen(miss).text, seen(await get(path)).text]).toEqual(times(2, () => 'part part part text'))
  })

  it('a chunk that is not bytes is not stored, and no request waits', async () => {
    for (const _ of [1, 2]) await get(`/${form}/number`).catch(() => {})
    await eventually(async () => expect(await heldLeases(site)).toEqual(['pass']))
    expect([await stored(site), (await runs(`/${form}/number`)).length]).toEqual([[], 2])
  })

  it.each(['constant', 'redirect'])('a response with immutable headers never changes: %s', async (name) => {
    const seenStatuses: unknown[] = []
    for (const method of ['GET', 'POST', 'GET', 'POST']) {
      const reply = await get(`/${form}/${name}`, {}, method)
      expect([reply.status, reply.headers.location]).toEqual([301, expect.stringContaining('/elsewhere')])
      seenStatuses.push(String(reply.headers['cache-status']).split(', ').length)
    }
    expect(seenStatuses).toEqual([1, 1, 1, 1])
  })

  it('a WebSocket is passed on unchanged, and blocks no request', async () => {
    const fields = 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='
    const reply = await exchange(
      base,
      `GET /${form}/socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n${fields}\r\n\r\n`,
      {
        until: 'hello',
      },
    )
    expect(reply).toMatch(/^HTTP\/1.1 101 /)
    expect(await heldLeases(site)).toEqual([])
  })

  it('cookies and characters beyond ASCII come back unchanged', async () => {
    const path = `/${form}/cookies`
    const miss = await get(path)
    await isStored()
    for (const reply of [miss, await get(path)]) {
      expect([reply.headers['set-cookie'], reply.headers['x-name']]).toEqual([['a=1', 'b=2'], miss.headers['x-name']])
    }
  })

  it('a network error is the same as without the cache, and blocks no request', async () => {
    const bare = await get('/bare/error')
    for (const method of ['GET', 'GET', 'POST']) {
      expect((await get(`/${form}/error`, {}, method)).status).toBe(bare.status)
    }
    expect([await stored(site), (await runs(`/${form}/error`)).length]).toEqual([[], 3])
  })

  it('a PUT with Upgrade invalidates', async () => {
    const path = `/${form}/echo`
    await get(path)
    await isStored()
    await get(path, { connection: 'upgrade', upgrade: 'h2c', 'content-length': '0' }, 'PUT')
    await isStored(0)
  })

  it.each(['stays', 'disconnects'])('a stale response is refreshed once if its client %s', async (how) => {
    const path = `/${form}/version/${how}`
    await get(path)
    await isStored()
    await age(site, 70_000)
    if (how === 'stays') expect(seen(await get(path)).text).toBe('v1')
    else await leave(base, path, ACCEPT)
    await eventually(async () => expect(seen(await get(path)).text).toBe('v2'))
    const all = await runs(path)
    const refresh = all[1]
    expect([all.length, refresh?.headers['pgstash-refresh'], refresh?.cf]).toEqual([2, undefined, { colo: 'AMS' }])
  })

  it('a handler gets its request without the condition, and with cf', async () => {
    const path = `/${form}/echo/cf`
    await get(path, { 'if-none-match': '"other"' })
    const [run] = await runs(path)
    expect([run?.headers['if-none-match'], run?.cf]).toEqual([undefined, { colo: 'AMS' }])
  })

  it('a raw # in the target and every spelling of Host get their own response', async () => {
    const send = (target: string, host: string) =>
      exchange(base, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, { until: `of ${host}.` })
    const path = `/${form}/echo`
    const hosts = ['a.example', 'A.example', 'a.example:80', 'a.example.', 'b.example']
    for (const host of hosts) expect(await send(path, host)).toContain(`of ${host}.`)
    await isStored(hosts.length)
    for (const host of hosts) expect(await send(path, host)).toContain('pgstash;hit')
    const withFragment = await send(`${path}#x`, 'a.example')
    expect(withFragment).toContain('fwd=bypass')
    expect(withFragment).toContain(`${path}#x of a.example.`)
  })
})
