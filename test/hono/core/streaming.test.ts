import type { MiddlewareHandler } from 'hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../setup/eventually.ts'
import { createGate } from '../../setup/gate.ts'
import {
  brief,
  createApp,
  createSite,
  emptied,
  fresh,
  heldLeases,
  pause,
  type Site,
  status,
  stored,
  stream,
  times,
} from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)

describe('a streaming handler', () => {
  it('reaches the client as it writes, and its response is stored when it ends', async () => {
    const source = stream()
    const { send, settled, fetch, calls } = createApp(site, (c) => c.body(source.body, 200, fresh))
    const response = await send('/a')
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    source.push('first ')
    expect(text((await reader.read()).value)).toBe('first ')
    expect(await stored(site)).toEqual([])
    source.push('last')
    source.close()
    expect(text((await reader.read()).value)).toBe('last')
    expect((await reader.read()).done).toBe(true)
    await settled()
    const hit = await fetch('/a')
    expect([await hit.text(), brief(hit), hit.headers.get('content-type')]).toEqual(['first last', 'hit', null])
    expect(calls).toHaveLength(1)
  })

  it.each(['with', 'without'])(
    'stores nothing if the client disconnects, and its lease is released, %s waitUntil',
    async (which) => {
      const source = stream()
      const options = which === 'with' ? {} : { waitUntil: undefined }
      const { send, settled, fetch } = createApp(
        site,
        (c) => (c.req.header('whole') ? c.text('whole', 200, fresh) : c.body(source.body, 200, fresh)),
        options,
      )
      const reader = ((await send('/a')).body as ReadableStream<Uint8Array>).getReader()
      source.push('first ')
      await reader.read()
      // The handler waits for the next part. Cancelling ends that read as if the body were complete.
      const pending = reader.read()
      await reader.cancel('left')
      expect((await pending).done).toBe(true)
      await settled()
      await eventually(async () => expect(await heldLeases(site)).toEqual([]))
      expect(source.isCancelled).toBe(true)
      expect(await stored(site)).toEqual([])
      const next = await fetch('/a', { headers: { whole: '1' } })
      expect([await next.text(), brief(next)]).toEqual(['whole', 'fwd=uri-miss;stored'])
    },
  )

  it('stores nothing if it fails half-way, and no request waits for the next attempt', async () => {
    let source = stream()
    const { send, settled } = createApp(site, (c) => c.body(source.body, 200, fresh))
    const response = await send('/a')
    source.push('half')
    source.fail()
    await expect(response.text()).rejects.toThrow('cut off')
    await settled()
    expect(await stored(site)).toEqual([])
    expect(await heldLeases(site)).toEqual(['pass'])
    source = stream()
    source.close()
    expect(brief(await send('/a'))).toBe('fwd=uri-miss;stored')
  })

  it('passes its body on but not into memory beyond maxBodyBytes, and no request waits for its end', async () => {
    const source = stream()
    const { send, settled } = createApp(site, (c) => c.body(source.body, 200, fresh), { maxBodyBytes: 10 })
    const reader = ((await send('/a')).body as ReadableStream<Uint8Array>).getReader()
    source.push('more than ten bytes')
    await reader.read()
    await eventually(async () => expect(await heldLeases(site)).toEqual(['pass']))
    source.push(' and more')
    source.close()
    expect(text((await reader.read()).value)).toBe(' and more')
    await settled()
    expect(await stored(site)).toEqual([])
  })

  it('stores at its own pace, even if the client does not read', async () => {
    const { send, settled, fetch } = createApp(site, (c) => {
      const parts = times(20, (i) => new TextEncoder().encode(`part ${i} `))
      return c.body(
        new ReadableStream({
          pull: (to) => {
            const part = parts.shift()
            if (part === undefined) to.close()
            else to.enqueue(part)
          },
        }),
        200,
        fresh,
      )
    })
    const unread = await send('/a')
    await settled()
    expect(brief(await fetch('/a'))).toBe('hit')
    expect(await unread.text()).toContain('part 19')
  })

  it('passes on 50 MB', async () => {
    const chunk = new Uint8Array(1_000_000).fill(97)
    const { fetch } = createApp(site, (c) => {
      let left = 50
      return c.body(new ReadableStream({ pull: (to) => (left-- > 0 ? to.enqueue(chunk) : to.close()) }), 200, fresh)
    })
    expect((await (await fetch('/a')).arrayBuffer()).byteLength).toBe(50_000_000)
    expect(await stored(site)).toEqual([])
    expect(site.faults.bytesIn).toBeLessThan(12_000)
  })

  it('is not buffered at all if its Content-Length is too large', async () => {
    const { fetch } = createApp(site, (c) => c.body('0123456789a', 200, { ...fresh, 'content-length': '11' }), {
      maxBodyBytes: 10,
    })
    expect(status(await fetch('/a'))).toBe('pgstash;fwd=uri-miss;detail="too large"')
  })

  it('stores nothing if its length differs from its Content-Length', async () => {
    const { fetch } = createApp(site, (c) => c.body('short', 200, { ...fresh, 'content-length': '6' }))
    expect(await (await fetch('/a')).text()).toBe('short')
    expect(await stored(site)).toEqual([])
  })

  it('makes no request wait after its length differed from its Content-Length', async () => {
    // As fetch returns it in workerd: decoded, with the length of the encoded body.
    let isDecoded = true
    const together = 5
    const running = createGate()
    const { fetch, calls } = createApp(site, async (c) => {
      if (calls.length === together + 1) running.open()
      if (calls.length > 1 && isDecoded) await running.opened
      return c.body('decoded', 200, { ...fresh, ...(isDecoded ? { 'content-length': '5' } : {}) })
    })
    await fetch('/a')
    expect(await heldLeases(site)).toEqual(['pass'])
    // Each of these would wait for the previous one.
    await Promise.all(times(together, () => fetch('/a')))
    expect(calls).toHaveLength(together + 1)
    isDecoded = false
    expect([brief(await fetch('/a')), brief(await fetch('/a'))]).toEqual(['fwd=uri-miss;stored', 'hit'])
  })
})

describe('a body of chunks', () => {
  const bytes = () => new TextEncoder().encode('a\u00e9\u20ac!!')
  const expected = Buffer.concat([bytes(), bytes()])
  /** The bytes are in the middle of a longer buffer, so the offset and length of the view matter. */
  const within = <T extends ArrayBufferLike>(buffer: T): T => {
    new Uint8Array(buffer, 2, bytes().length).set(bytes())
    return buffer
  }
  const size = bytes().length
  const kinds: [string, () => unknown][] = [
    ['Uint8Array', bytes],
    ['Buffer', () => Buffer.from(bytes())],
    ['ArrayBuffer', () => bytes().buffer],
    ['DataView', () => new DataView(within(new ArrayBuffer(size + 4)), 2, size)],
    ['Uint16Array', () => new Uint16Array(within(new ArrayBuffer(size + 4)), 2, size / 2)],
    [
      'SharedArrayBuffer',
      () => {
        const shared = new SharedArrayBuffer(size)
        new Uint8Array(shared).set(bytes())
        return shared
      },
    ],
    ['Uint8Array over a SharedArrayBuffer', () => new Uint8Array(within(new SharedArrayBuffer(size + 4)), 2, size)],
    ['string', () => new TextDecoder().decode(bytes())],
  ]
  const streamOf = (chunks: readonly unknown[]) =>
    new ReadableStream({
      start(to) {
        for (const chunk of chunks) to.enqueue(chunk)
        to.close()
      },
    })

  it.each(kinds)('with type %s is stored with the bytes that the client got', async (_name, chunk) => {
    const { fetch, calls } = createApp(site, () => new Response(streamOf([chunk(), chunk()]), { headers: fresh }))
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const response = await fetch('/a')
      expect([Buffer.from(await response.arrayBuffer()), brief(response)]).toEqual([expected, how])
    }
    expect(calls).toHaveLength(1)
  })

  it.each<[string, () => unknown]>([
    ['a number', () => 42],
    ['null', () => null],
    ['undefined', () => undefined],
    ['an object', () => ({ byteLength: 3, slice: () => 'abc' })],
    ['an array', () => [1, 2]],
    [
      'a detached buffer',
      () => {
        const chunk = bytes()
        structuredClone(chunk, { transfer: [chunk.buffer] })
        return chunk
      },
    ],
  ])('that is not bytes is not stored, and no request waits: %s', async (_name, chunk) => {
    const chunks = [[bytes(), chunk(), bytes()], [bytes()]]
    const { send, settled } = createApp(site, () => new Response(streamOf(chunks.shift() ?? []), { headers: fresh }))
    await (await send('/a')).arrayBuffer().catch(() => {})
    await settled()
    expect(await stored(site)).toEqual([])
    expect(await heldLeases(site)).toEqual(['pass'])
    expect(brief(await send('/a'))).toBe('fwd=uri-miss;stored')
  })

  it('is stored as the handler sent it if outer middleware edits the chunks', async () => {
    const shout: MiddlewareHandler = async (c, next) => {
      await next()
      const edit = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, to) => to.enqueue(chunk.fill(120)),
      })
      c.res = new Response(c.res.body?.pipeThrough(edit), c.res)
    }
    const handler = () => {
      const chunks = [Buffer.from('first '), Buffer.from('last')]
      // The first chunk is edited before the last one ends the body.
      const pull = async (to: ReadableStreamDefaultController) => {
        await pause(20)
        const chunk = chunks.shift()
        return chunk === undefined ? to.close() : to.enqueue(chunk)
      }
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers: fresh })
    }
    expect(await (await createApp(site, handler, {}, { before: [shout] }).fetch('/a')).text()).toBe('x'.repeat(10))
    const hit = await createApp(site, handler).fetch('/a')
    expect([await hit.text(), brief(hit)]).toEqual(['first last', 'hit'])
  })

  it('reaches the client and the store even if the handler reuses one buffer', async () => {
    const { fetch } = createApp(site, () => {
      const buffer = Buffer.alloc(1)
      let sent = 0
      const pull = (to: ReadableStreamDefaultController) => {
        buffer.fill(97 + sent)
        return sent++ < 5 ? to.enqueue(buffer) : to.close()
      }
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers: fresh })
    })
    for (const _ of [1, 2]) expect(await (await fetch('/a')).text()).toBe('abcde')
  })

  it('that inner middleware has read is not stored, and no request waits', async () => {
    const reads: MiddlewareHandler = async (c, next) => {
      await next()
      await c.res.text()
    }
    const { app, settled } = createApp(site, (c) => c.text('Hello', 200, fresh), {}, { after: [reads] })
    const response = await app.request('https://example.com/a')
    expect([response.status, response.bodyUsed]).toEqual([200, true])
    await settled()
    expect([await stored(site), await heldLeases(site)]).toEqual([[], ['pass']])
  })
})

describe('a body', () => {
  const bytes = Uint8Array.from(times(256, (i) => i))
  it.each<[string, Uint8Array<ArrayBuffer>]>([
    ['of all bytes', bytes],
    ['that is empty', new Uint8Array()],
    ['that begins with a byte order mark', new TextEncoder().encode('\ufeffx')],
    ['with U+0000', new TextEncoder().encode('a\0b')],
    ['with half a character', Uint8Array.of(0xe2, 0x82)],
    ['of characters above U+FFFF', new TextEncoder().encode('𝄞'.repeat(50_000))],
    ['of 300 kB that are not text', Uint8Array.from(times(300_000, (i) => (i * 31) & 255))],
  ])('%s comes back unchanged', async (_name, body) => {
    const { fetch, calls } = createApp(site, (c) => c.body(body, 200, fresh))
    for (const _ of [1, 2]) expect(Buffer.from(await (await fetch('/a')).arrayBuffer()).equals(body)).toBe(true)
    expect(calls).toHaveLength(1)
  })

  it('gets no Content-Type that the handler did not set', async () => {
    const { fetch } = createApp(site, () => new Response(new TextEncoder().encode('<b>'), { headers: fresh }))
    for (const _ of [1, 2]) expect((await fetch('/a')).headers.get('content-type')).toBe(null)
  })
})
