import fc from 'fast-check'
import { type Codec, compressingCodec, encryptingCodec, memoryCache } from 'pgstash'
import { describe, expect, it } from 'vitest'

const context = { key: 'key' }
const asIs: Codec = { encode: (value) => value as string, decode: (text) => text }

describe('compressingCodec', () => {
  it('leaves small texts readable, and makes large ones smaller', async () => {
    const codec = compressingCodec()
    const large = Array.from({ length: 500 }, (_, id) => ({ id, name: 'Ada' }))
    expect(await codec.encode({ name: 'Ada' }, context)).toBe('{"name":"Ada"}')
    const text = await codec.encode(large, context)
    expect(text.startsWith('deflate:')).toBe(true)
    expect(text.length).toBeLessThan(JSON.stringify(large).length / 4)
    expect(await codec.decode(text, context)).toEqual(large)
  })

  it('starts at its threshold, in bytes of UTF-8', async () => {
    const codec = compressingCodec({ threshold: 102, codec: asIs })
    expect(await codec.encode('é'.repeat(50), context)).toBe('é'.repeat(50))
    expect(await codec.encode('é'.repeat(51), context)).toMatch(/^deflate:/)
  })

  it('leaves values that would not become smaller', async () => {
    const noise = Array.from(crypto.getRandomValues(new Uint8Array(3_000)), (n) => String.fromCharCode(33 + (n % 90)))
    const codec = compressingCodec({ threshold: 0, codec: asIs })
    expect(await codec.encode(noise.join(''), context)).toBe(noise.join(''))
  })

  it('returns every text of another codec unchanged, including its own markers', async () => {
    const codec = compressingCodec({ threshold: 10, codec: asIs })
    const mark = fc.constantFrom('', 'deflate:', 'plain:', 'deflate:plain:', 'plain:deflate:AAAA')
    const text = fc.tuple(mark, fc.string({ unit: 'grapheme', maxLength: 40 })).map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        expect(await codec.decode(await codec.encode(value, context), context)).toBe(value)
      }),
    )
  })

  it('has the digest of its codec, if that has one', async () => {
    const inner = encryptingCodec({ keys: { k: crypto.getRandomValues(new Uint8Array(32)) } })
    const { digest: _, ...without } = inner
    const at = context
    expect(await compressingCodec({ codec: inner }).digest?.('tag', at)).toBe(await inner.digest?.('tag', at))
    expect(await compressingCodec().digest?.('tag', at)).toBe('tag')
    expect(compressingCodec({ codec: without }).digest).toBeUndefined()
  })

  it('returns large text of every alphabet unchanged, across the chunks of a stream', async () => {
    const codec = compressingCodec()
    const value = Array.from({ length: 100_000 }, (_, i) => ['é', '日', '👩‍👩‍👧', 'x'][i % 4]).join('')
    expect(await codec.decode(await codec.encode(value, context), context)).toBe(value)
  })

  it('reads values stored before it was enabled', async () => {
    const plain = JSON.stringify({ text: 'x'.repeat(5_000) })
    expect(await compressingCodec().decode(plain, context)).toEqual({ text: 'x'.repeat(5_000) })
  })

  it('counts the stored size for maxValueBytes', async () => {
    const cache = memoryCache({ codec: compressingCodec(), maxValueBytes: 2_000 })
    await cache.set('key', 'x'.repeat(100_000))
    expect(await cache.get('key')).toBe('x'.repeat(100_000))
    await expect(memoryCache({ maxValueBytes: 2_000 }).set('key', 'x'.repeat(100_000))).rejects.toMatchObject({
      code: 'VALUE_TOO_LARGE',
    })
  })

  it('never receives numbers, so counters work', async () => {
    const cache = memoryCache({ codec: compressingCodec({ threshold: 0 }) })
    await cache.set('key', 1)
    expect(await cache.increment('key', 0.5)).toBe(1.5)
  })

  it('treats modified text, and text that would fill the memory, as unreadable', async () => {
    const bomb = await compressingCodec().encode('x'.repeat(5_000_000), context)
    await expect(compressingCodec({ maxBytes: 1_000_000 }).decode(bomb, context)).rejects.toThrow(RangeError)
    for (const text of ['deflate:', 'deflate:AAAA', 'deflate:?', `${bomb.slice(0, -200)}`]) {
      const cache = memoryCache({ codec: { encode: () => text, decode: compressingCodec().decode } })
      await cache.set('key', 'value')
      await expect(cache.get('key')).rejects.toMatchObject({ code: 'UNREADABLE_VALUE' })
    }
  })

  it('refuses an invalid option', () => {
    for (const options of [{ threshold: -1 }, { maxBytes: 0 }, { codec: {} }, { level: 9 }] as object[]) {
      expect(() => compressingCodec(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    }
  })
})
