import { sql } from 'drizzle-orm'
import { encryptingCodec } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'
import { emptyTables } from '../setup/postgres-store.ts'
import { createResponses } from './responses.ts'

let site: Site
let responses: ReturnType<typeof createResponses>
beforeAll(async () => {
  site = await createSite()
  responses = createResponses(site)
})
beforeEach(() => emptyTables(site.db))

const EIGHT_MB = 8_000_000
/** The names and types of an answer's columns, and the metadata of a response. */
const WITHOUT_BODY = 2_500

const noise = (length: number) => {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i += 65_536) crypto.getRandomValues(bytes.subarray(i, i + 65_536))
  return bytes
}
const repeated = (text: string, length: number) =>
  new TextEncoder().encode(text.repeat(Math.ceil(length / text.length)).slice(0, length))

const BODIES: Record<string, Uint8Array> = {
  'ASCII text': repeated('<li>plain "text"\\ \n</li>', EIGHT_MB),
  'text of two, three and four bytes': new TextEncoder().encode('aé€😀'.repeat(EIGHT_MB / 10)),
  'bytes that are not text': noise(EIGHT_MB),
  'text with U+0000': repeated('a\0b', EIGHT_MB),
}

describe.each(Object.entries(BODIES))('a body of 8 MB of %s', (_, whole) => {
  it('transfers only the part that a range needs', async () => {
    await responses.put('/a', whole)
    for (const at of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, whole.length / 2, whole.length - 10]) {
      const { body, bytesOut, requests } = await responses.part('/a', { first: at, last: at + 9 })
      expect([requests, bytesOut < WITHOUT_BODY]).toEqual([1, true])
      const { offset = 0, bytes = new Uint8Array() } = body ?? {}
      expect([offset <= at, offset + bytes.length >= at + 10, bytes.length < 20]).toEqual([true, true, true])
      expect(bytes).toEqual(whole.subarray(offset, offset + bytes.length))
    }
  })
})

const TEXT = 'aé€😀'.repeat(10)
const BYTES = new TextEncoder().encode(TEXT)

describe.each([
  ['text', BYTES],
  ['bytes', Uint8Array.of(0xff, ...BYTES.subarray(1))],
])('every range of a body of %s', (_, whole) => {
  it('is contained in the transferred bytes', async () => {
    await responses.put('/a', whole)
    for (let first = 0; first < whole.length; first += 7) {
      for (let last = first; last < whole.length; last += 3) {
        const { body } = await responses.part('/a', { first, last })
        const { offset = 0, bytes = new Uint8Array() } = body ?? {}
        expect([offset <= first, offset + bytes.length > last]).toEqual([true, true])
        expect(bytes).toEqual(whole.subarray(offset, offset + bytes.length))
      }
    }
  })
})

describe('a range request', () => {
  const whole = repeated('0123456789', 100_000)
  const ends = async (range: Parameters<typeof responses.part>[1]) => {
    const { body } = await responses.part('/a', range)
    return body && [body.offset, body.offset + body.bytes.length]
  }

  it('transfers the last bytes for a suffix range', async () => {
    await responses.put('/a', whole)
    expect(await ends({ suffix: 10 })).toEqual([99_990, 100_000])
    expect(await ends({ suffix: 1 })).toEqual([99_999, 100_000])
  })

  it('transfers the available bytes for a range past the end', async () => {
    await responses.put('/a', whole)
    expect(await ends({ first: 99_990, last: 1e9 })).toEqual([99_990, 100_000])
    expect(await ends({ first: 99_990, last: Number.POSITIVE_INFINITY })).toEqual([99_990, 100_000])
    expect(await ends({ first: 99_990, last: undefined })).toEqual([99_990, 100_000])
  })

  it('transfers the whole body if that is shorter', async () => {
    await responses.put('/a', whole)
    for (const range of [{ first: 0, last: undefined }, { suffix: 1e9 }, { suffix: Number.POSITIVE_INFINITY }]) {
      expect(await ends(range)).toEqual([0, 100_000])
    }
    expect(await ends({ first: 0, last: 75_000 })).toEqual([0, 100_000])
    expect(await ends({ first: 0, last: 74_000 })).toEqual([0, 74_001])
  })

  it('transfers nothing for a range outside of the body', async () => {
    await responses.put('/a', whole)
    for (const range of [{ first: 100_000, last: undefined }, { first: 1e21, last: 1e22 }, { suffix: 0 }]) {
      expect(await ends(range)).toBeUndefined()
    }
    expect((await responses.part('/a', { first: 1e6, last: undefined })).entry?.meta.bytes).toBe(100_000)
  })

  it('answers a range of an empty body with the empty body, or with nothing', async () => {
    await responses.put('/a', '')
    expect(await ends({ suffix: 5 })).toEqual([0, 0])
    expect(await ends({ first: 0, last: 0 })).toBeUndefined()
    expect(await ends(undefined)).toEqual([0, 0])
  })

  it('gets the whole body if the range ends before it begins', async () => {
    await responses.put('/a', whole)
    expect(await ends({ first: 10, last: 5 })).toEqual([0, 100_000])
  })

  it('transfers the whole body of a response other than 200', async () => {
    await responses.put('/a', whole, { status: 404 })
    expect(await ends({ first: 0, last: 9 })).toEqual([0, 100_000])
    expect(await ends({ first: 1e6, last: undefined })).toEqual([0, 100_000])
  })

  it('transfers nothing for a HEAD, or if the client has the response', async () => {
    await responses.put('/a', whole, { tag: '1' })
    const range = { first: 0, last: 9 }
    expect((await responses.read('/a', { range, headOnly: true })).entry).toMatchObject({ body: undefined })
    expect((await responses.read('/a', { range, noneMatch: ['1'] })).entry).toMatchObject({ body: undefined })
    expect((await responses.read('/a', { range, noneMatch: ['2'] })).entry?.body?.bytes).toHaveLength(10)
  })

  it('transfers the whole body of an encrypted response', async () => {
    responses = createResponses(site, { codec: encryptingCodec({ keys: { k: noise(32) } }) })
    await responses.put('/a', whole)
    expect(await ends({ first: 0, last: 9 })).toEqual([0, 100_000])
    expect(await ends({ first: 1e6, last: undefined })).toEqual([0, 100_000])
    responses = createResponses(site)
  })
})

it('reads a base64 body that an earlier version stored, whole and in part', async () => {
  const whole = noise(1_000)
  await responses.put('/a', '')
  const meta = { status: 200, headers: [], requestAt: 1, responseAt: 1, date: 1, modifiedAt: 1, bytes: 1_000 }
  await site.db.execute(sql`
    update cache_entries set value = ${Buffer.from(whole).toString('base64')},
      meta = ${JSON.stringify({ ...meta, base64: true, vary: [] })}`)
  expect((await responses.part('/a', undefined)).body).toEqual({ bytes: whole, offset: 0 })
  expect((await responses.part('/a', { first: 100, last: 104 })).body).toEqual({
    bytes: whole.subarray(99, 105),
    offset: 99,
  })
})
