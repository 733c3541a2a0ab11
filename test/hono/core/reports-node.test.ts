/** Faults of other products behind a real Node server: the bytes on the socket, and the effects of a raw request. */
import { type AddressInfo, connect } from 'node:net'
import { serve } from '@hono/node-server'
import type { Context } from 'hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cleanup } from '../../setup/cleanup.ts'
import { eventually } from '../../setup/eventually.ts'
import { createGate } from '../../setup/gate.ts'
import { createApp, createSite, emptied, fresh, heldLeases, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

/** Serves the handler behind a cache. Returns a function that sends a raw request and returns the raw answer. */
async function serving(handler: (c: Context) => Response | Promise<Response>, options = {}) {
  const { app, calls, settled } = createApp(site, handler, options)
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  cleanup(() => new Promise((resolve) => server.close(resolve)))
  await new Promise<void>((resolve) => (server.listening ? resolve() : server.once('listening', () => resolve())))
  const { port } = server.address() as AddressInfo
  const open = () => connect(port, '127.0.0.1')
  const ask = async (line: string, fields: readonly string[] = [], body = '') => {
    const head = [`${line} HTTP/1.1`, ...(fields.some((each) => /^host:/i.test(each)) ? [] : ['Host: example.com'])]
    const socket = open()
    const chunks: Buffer[] = []
    socket.write(`${[...head, 'Connection: close', ...fields].join('\r\n')}\r\n\r\n${body}`)
    for await (const chunk of socket) chunks.push(chunk)
    await settled()
    const [fieldLines = '', ...rest] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n')
    const [statusLine = '', ...lines] = fieldLines.split('\r\n')
    const field = (name: string) =>
      lines.filter((each) => each.toLowerCase().startsWith(`${name}:`)).map((each) => each.slice(name.length + 2))
    return { status: Number(statusLine.split(' ')[1]), field, body: rest.join('\r\n\r\n') }
  }
  return { ask, open, calls, settled }
}

describe('a response without content, behind a Node server', () => {
  // vercel/next.js#49005, opennextjs/opennextjs-aws#683, QwikDev/qwik#8934
  it.each<[string, (c: Context) => Response]>([
    ['c.body with an empty text and 204', (c) => c.body('', 204 as 200)],
    ['c.text and 204', (c) => c.text('', 204 as 200, fresh)],
    ['c.json and 204', (c) => c.json({}, 204 as 200, { 'cache-control': 'private' })],
    ['c.text and 205', (c) => c.text('', 205 as 200)],
  ])('from %s is the same with and without the cache', async (_name, handler) => {
    const [plain, cached] = [await serving(handler, { exclude: ['/*'] }), await serving(handler)]
    for (const method of ['GET', 'GET', 'POST', 'HEAD']) {
      expect([method, (await cached.ask(`${method} /a`)).status]).toEqual([
        method,
        (await plain.ask(`${method} /a`)).status,
      ])
    }
  })
})

describe('a hit, behind a Node server', () => {
  // caddyserver/cache-handler#59, enonic/xp#9778
  it('for HEAD has the length of the body and no body', async () => {
    const { ask } = await serving((c) => c.text('0123456789', 200, fresh))
    await ask('GET /a')
    const { status, field, body } = await ask('HEAD /a')
    expect([status, field('content-length'), body]).toEqual([200, ['10'], ''])
  })

  // nitrojs/nitro#1838, sveltejs/kit#15527
  it('has each stored cookie on a line of its own', async () => {
    const { ask } = await serving(
      (c) => {
        for (const name of ['a', 'b']) c.header('set-cookie', `${name}=1, 2`, { append: true })
        return c.text('page', 200, fresh)
      },
      { storeSetCookie: true },
    )
    for (const _ of [1, 2]) expect((await ask('GET /a')).field('set-cookie')).toEqual(['a=1, 2', 'b=1, 2'])
  })

  it.each([
    ['an obs-text byte', 'caf\u00e9'],
    ['a control character', 'a\tb'],
    ['60,000 characters', 'x'.repeat(60_000)],
  ])('keeps a header with %s', async (_name, value) => {
    const { ask } = await serving((c) => c.text('page', 200, { ...fresh, 'x-own': value }))
    for (const _ of [1, 2]) expect((await ask('GET /a')).field('x-own')).toEqual([value])
  })

  // apache/trafficserver#3413
  it('for a range has only its bytes, in one message', async () => {
    const { ask } = await serving((c) => c.text('0123456789', 200, fresh))
    await ask('GET /a')
    const { status, field, body } = await ask('GET /a', ['Range: bytes=2-4'])
    expect([status, field('content-length'), field('content-range'), body]).toEqual([
      206,
      ['3'],
      ['bytes 2-4/10'],
      '234',
    ])
  })
})

describe('a request, behind a Node server', () => {
  const host = (c: Context) => c.text(c.req.header('host') ?? '', 200, fresh)

  // honojs/node-server#161, honojs/node-server#159
  it.each(['example.com:80', 'EXAMPLE.com', 'Example.Com:80', 'example.com.', 'example.com:8080'])(
    'with Host: %s does not affect other clients',
    async (value) => {
      const { ask } = await serving(host)
      expect((await ask('GET /a', [`Host: ${value}`])).body).toBe(value)
      expect((await ask('GET /a')).body).toBe('example.com')
    },
  )

  it.each(['example.com/evil', 'example.com?x', 'evil@example.com', 'a b'])(
    'with the invalid Host: %s stores nothing',
    async (value) => {
      const { ask } = await serving(host)
      expect((await ask('GET /a', [`Host: ${value}`])).status).toBe(400)
      expect(await stored(site)).toEqual([])
    },
  )

  // git/git-scm.com#1551
  it.each([
    ['Content-Length: 5', 'hello'],
    ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ])('with content (%s) is answered but not stored, also while the page is stale', async (field, body) => {
    const { ask } = await serving((c) => c.text('page', 200, { 'cache-control': 'max-age=0', etag: '"1"' }))
    expect((await ask('GET /a', [field], body)).body).toBe('page')
    expect(await stored(site)).toEqual([])
    await ask('GET /a')
    expect((await ask('GET /a', [field], body)).body).toBe('page')
  })
})

describe('a client that disconnects, behind a Node server', () => {
  // dotnet/aspnetcore#56427, cloudflare/pingora#932, jiangwenyuan/nuster#69
  it.each(['errors', 'ends'])('causes no partial body to be stored if the handler %s on abort', async (how) => {
    const started = createGate()
    const aborted = createGate()
    const { open, settled } = await serving((c) => {
      const body = new ReadableStream<Uint8Array>({
        start(to) {
          to.enqueue(new TextEncoder().encode('first part'))
          c.req.raw.signal.addEventListener('abort', () => {
            if (how === 'ends') to.close()
            else to.error(new Error('aborted'))
            aborted.open()
          })
          started.open()
        },
      })
      return c.body(body, 200, fresh)
    })
    const socket = open()
    socket.write('GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n')
    await started.opened
    await new Promise((resolve) => socket.once('data', resolve))
    socket.destroy()
    await aborted.opened
    await settled()
    await eventually(async () => expect((await heldLeases(site)).filter((token) => token !== 'pass')).toEqual([]))
    expect(await stored(site)).toEqual([])
  })
})
