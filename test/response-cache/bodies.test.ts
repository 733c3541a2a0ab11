import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { brief, createSite, emptied, fresh, heldLeases, pause, type Site, stored, stream, times } from '../hono/app.ts'
import { createForm } from './forms.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const bytes = () => new TextEncoder().encode('a\u00e9\u20ac!!')
const expected = Buffer.concat([bytes(), bytes()])
/** The bytes are in the middle of a longer buffer, so the offset and length of the view matter. */
function within<T extends ArrayBufferLike>(buffer: T): T {
  new Uint8Array(buffer, 2, bytes().length).set(bytes())
  return buffer
}
const longer = () => new ArrayBuffer(bytes().length + 4)
const shared = () => new SharedArrayBuffer(bytes().length + 4)

function streamOf(chunks: readonly unknown[]): ReadableStream {
  return new ReadableStream({
    start(to) {
      for (const chunk of chunks) to.enqueue(chunk)
      to.close()
    },
  })
}

function detached(): Uint8Array {
  const chunk = bytes()
  structuredClone(chunk, { transfer: [chunk.buffer] })
  return chunk
}

describe('a body of chunks', () => {
  it.each<[string, () => unknown]>([
    ['Uint8Array', bytes],
    ['Buffer', () => Buffer.from(bytes())],
    ['ArrayBuffer', () => bytes().buffer],
    ['DataView', () => new DataView(within(longer()), 2, bytes().length)],
    ['Uint16Array', () => new Uint16Array(within(longer()), 2, bytes().length / 2)],
    ['Uint8Array over a SharedArrayBuffer', () => new Uint8Array(within(shared()), 2, bytes().length)],
    ['string', () => new TextDecoder().decode(bytes())],
  ])('with type %s is stored with the bytes that the client got', async (_name, chunk) => {
    const { fetch } = createForm('fetch', site, () => new Response(streamOf([chunk(), chunk()]), { headers: fresh }))
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const response = await fetch('/a')
      expect([Buffer.from(await response.arrayBuffer()), brief(response)]).toEqual([expected, how])
    }
  })

  it.each<[string, () => unknown]>([
    ['a number', () => 42],
    ['null', () => null],
    ['an object', () => ({ byteLength: 3, slice: () => 'abc' })],
    ['a detached buffer', detached],
  ])('that is not bytes is not stored, and no request waits: %s', async (_name, chunk) => {
    const chunks = [[bytes(), chunk(), bytes()], [bytes()]]
    const { send, settled } = createForm(
      'fetch',
      site,
      () => new Response(streamOf(chunks.shift() ?? []), { headers: fresh }),
    )
    await (await send('/a')).arrayBuffer().catch(() => {})
    await settled()
    expect([await stored(site), await heldLeases(site)]).toEqual([[], ['pass']])
    expect(brief(await send('/a'))).toBe('fwd=uri-miss;stored')
  })

  it('is stored as the handler sent it, even if the client’s chunks are edited', async () => {
    const { send, fetch, settled } = createForm('fetch', site, () => {
      const chunks = [Buffer.from('first '), Buffer.from('last')]
      // The first chunk is edited before the last one ends the body.
      const pull = async (to: ReadableStreamDefaultController) => {
        await pause(20)
        const chunk = chunks.shift()
        return chunk === undefined ? to.close() : to.enqueue(chunk)
      }
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers: fresh })
    })
    const body = (await send('/a')).body as ReadableStream<Uint8Array>
    for await (const chunk of body) chunk.fill(120)
    await settled()
    const hit = await fetch('/a')
    expect([await hit.text(), brief(hit)]).toEqual(['first last', 'hit'])
  })

  it('reaches the client and the store even if the handler reuses one buffer', async () => {
    const { fetch } = createForm('fetch', site, () => {
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

  it('from a byte stream is stored', async () => {
    const { fetch } = createForm('fetch', site, () => {
      let isFirst = true
      const pull = (to: ReadableByteStreamController) => {
        if (isFirst) to.enqueue(bytes())
        else to.close()
        isFirst = false
      }
      return new Response(new ReadableStream({ type: 'bytes', pull }), { headers: fresh })
    })
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const response = await fetch('/a')
      expect([await response.text(), brief(response)]).toEqual([new TextDecoder().decode(bytes()), how])
    }
  })
})

describe('a body', () => {
  it.each([
    ['fails half-way', (source: ReturnType<typeof stream>) => source.fail()],
    ['differs from its Content-Length', (source: ReturnType<typeof stream>) => source.close()],
  ])('that %s is not stored, and no request waits', async (_name, end) => {
    const source = stream()
    const { send, settled } = createForm(
      'fetch',
      site,
      () => new Response(source.body, { headers: { ...fresh, 'content-length': '9' } }),
    )
    const response = await send('/a')
    source.push('half')
    end(source)
    await response.text().catch(() => {})
    await settled()
    expect([await stored(site), await heldLeases(site)]).toEqual([[], ['pass']])
  })

  it.each([
    ['as long as maxBodyBytes', 'ten bytes.', 1],
    ['longer than maxBodyBytes', 'eleven bytes', 0],
    ['empty', '', 1],
  ])('that is %s is read to its end, even if no client reads it', async (_name, text, count) => {
    const { send, settled } = createForm('fetch', site, () => new Response(text, { headers: fresh }), {
      maxBodyBytes: 10,
    })
    await send('/a')
    await settled()
    expect(await stored(site)).toHaveLength(count)
  })

  it('that the handler has read is sent as the handler left it, and no request waits', async () => {
    const { send, settled } = createForm('fetch', site, async () => {
      const response = new Response('page', { headers: fresh })
      await response.text()
      return response
    })
    expect((await send('/a')).bodyUsed).toBe(true)
    await settled()
    expect([await stored(site), await heldLeases(site)]).toEqual([[], ['pass']])
  })

  it('is cancelled if its client disconnects, and the next request is stored', async () => {
    const source = stream()
    const bodies = [source.body, 'whole']
    const { send, fetch, settled } = createForm('fetch', site, () => new Response(bodies.shift(), { headers: fresh }))
    const reader = ((await send('/a')).body as ReadableStream<Uint8Array>).getReader()
    source.push('first ')
    await reader.read()
    await reader.cancel('left')
    await settled()
    expect([source.isCancelled, await stored(site), await heldLeases(site)]).toEqual([true, [], []])
    expect(brief(await fetch('/a'))).toBe('fwd=uri-miss;stored')
  })

  it('with every byte value comes back unchanged', async () => {
    const all = Uint8Array.from(times(256, (i) => i))
    const { fetch } = createForm('fetch', site, () => new Response(all, { headers: fresh }))
    for (const _ of [1, 2]) expect(Buffer.from(await (await fetch('/a')).arrayBuffer()).equals(all)).toBe(true)
  })
})
