import { type Codec, compressingCodec, encryptingCodec, jsonCodec } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'
import { emptyTables } from '../setup/postgres-store.ts'
import { createResponses, META } from './responses.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptyTables(site.db))

const encrypting = encryptingCodec({ keys: { k: crypto.getRandomValues(new Uint8Array(32)) } })
const CODECS: [string, Codec][] = [
  ['jsonCodec', jsonCodec],
  ['compressingCodec', compressingCodec()],
  ['encryptingCodec', encrypting],
]
const cost = () => ({ roundTrips: 0, bytes: 0 })

describe.each(CODECS)('the response store with %s', (_, codec) => {
  it('returns the metadata that the caller added, and no internal fields', async () => {
    const responses = createResponses(site, { codec })
    const added = { decoded: true, ranges: [[0, 9]], tag: 'a', sliding: true } as const
    await responses.put('/a', Uint8Array.of(0xff), added)
    const { entry } = await responses.read('/a')
    expect(entry?.meta).toEqual({ ...META, ...added, bytes: 1 })
    expect(entry?.body).toEqual({ bytes: Uint8Array.of(0xff), offset: 0 })
  })

  it('returns a body after its headers were freshened', async () => {
    const responses = createResponses(site, { codec })
    for (const body of ['text', Uint8Array.of(0xff, 0)]) {
      await emptyTables(site.db)
      await responses.put('/a', body)
      const token = crypto.randomUUID()
      const { key, entry } = await responses.read('/a', { token, claims: true, force: true, headOnly: true })
      if (entry === undefined) throw new Error('Expected a response.')
      const isStored = await responses.store.freshen(
        {
          base: responses.store.keyOf('/a'),
          key,
          token,
          hitForMissSnapshot: undefined,
          meta: { ...entry.meta, headers: [['x-new', 'yes']] },
          form: entry.form,
          deadline: { kind: 'after', ms: 60_000 },
          maxAgeMs: null,
          retentionMs: 0,
          tags: null,
        },
        cost(),
      )
      const after = await responses.read('/a')
      const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
      expect([isStored, after.entry?.meta.headers]).toEqual([true, [['x-new', 'yes']]])
      expect(after.entry?.body).toEqual({ bytes, offset: 0 })
    }
  })

  it('reports the transferred bytes', async () => {
    const responses = createResponses(site, { codec, onEvent() {} })
    await responses.put('/a', crypto.getRandomValues(new Uint8Array(30_000)))
    const moved = cost()
    const { entry } = await responses.store.read({ ...responses.request('/a'), claims: false }, moved)
    expect([entry?.body?.bytes.length, moved.roundTrips, moved.bytes > 30_000]).toEqual([30_000, 1, true])
  })
})

it('the response store stores a response without a digest if the digest of a codec fails', async () => {
  for (const digest of [() => Promise.reject(new Error('broken')), () => Uint8Array.of(1) as never]) {
    await emptyTables(site.db)
    const responses = createResponses(site, { codec: { ...encrypting, digest } })
    await responses.put('/a', 'body', { tag: 'a' })
    const { entry } = await responses.read('/a', { noneMatch: ['a'] })
    expect([entry?.meta.tag, entry?.body?.bytes.length]).toEqual(['a', 4])
  }
})
