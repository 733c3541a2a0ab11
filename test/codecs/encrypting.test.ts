import { readFile } from 'node:fs/promises'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import {
  compressingCodec,
  createCache,
  type EncryptingCodecOptions,
  type EncryptionKey,
  encryptingCodec,
  memoryCache,
} from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { secretCache } from '../../docs/snippets/codecs/secret.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

const newKey = () => crypto.getRandomValues(new Uint8Array(32))
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const KEY = newKey()
const at = (key: string) => ({ key })
const SECRET = { iban: 'DE00 1234' }

describe('encryptingCodec', () => {
  it('returns values unchanged, and shows nothing of them', async () => {
    const codec = encryptingCodec({ keys: { k1: KEY } })
    const text = await codec.encode(SECRET, at('app|user'))
    expect(text).toMatch(/^aes1:k1:[A-Za-z0-9+/=]+$/)
    // Longer than random bytes contain by chance.
    const bytes = Buffer.from(text.slice(8), 'base64')
    for (const plain of ['iban', SECRET.iban]) expect(bytes.includes(plain)).toBe(false)
    expect(await codec.decode(text, at('app|user'))).toEqual(SECRET)
  })

  it('accepts keys as bytes, as base64 in both alphabets, and as a CryptoKey', async () => {
    const imported = await crypto.subtle.importKey('raw', KEY, 'AES-GCM', false, ['encrypt', 'decrypt'])
    const forms = [KEY, base64(KEY), Buffer.from(KEY).toString('base64url'), ` ${base64(KEY)}\n`, imported]
    const text = await encryptingCodec({ keys: { k: KEY } }).encode(SECRET, at('key'))
    for (const form of forms)
      expect(await encryptingCodec({ keys: { k: form } }).decode(text, at('key'))).toEqual(SECRET)
  })

  it('never encrypts equal values to equal texts', async () => {
    const codec = encryptingCodec({ keys: { k: KEY } })
    const texts = await Promise.all(Array.from({ length: 100 }, () => codec.encode(SECRET, at('key'))))
    expect(new Set(texts.map((text) => text.slice(7, 23))).size).toBe(100)
  })

  it('refuses a value in which any bit was changed', async () => {
    const codec = encryptingCodec({ keys: { k: KEY } })
    const text = await codec.encode('secret', at('key'))
    const bytes = Buffer.from(text.slice(7), 'base64')
    for (let i = 0; i < bytes.length * 8; i += 5) {
      const changed = Buffer.from(bytes)
      changed[i >> 3] = (changed[i >> 3] ?? 0) ^ (1 << (i & 7))
      await expect(codec.decode(`aes1:k:${changed.toString('base64')}`, at('key'))).rejects.toThrow()
    }
  })

  it('refuses the value of another entry, namespace or key', async () => {
    const codec = encryptingCodec({ keys: { k: KEY } })
    const text = await codec.encode(SECRET, at('app|user:1'))
    for (const key of ['app|user:2', 'user:1', 'other|user:1'])
      await expect(codec.decode(text, at(key))).rejects.toThrow()
    await expect(encryptingCodec({ keys: { k: newKey() } }).decode(text, at('app|user:1'))).rejects.toThrow()
  })

  it('refuses text that is not encrypted, is truncated, or names a missing key', async () => {
    const codec = encryptingCodec({ keys: { k: KEY } })
    const text = await codec.encode(SECRET, at('key'))
    const forged = [
      '{"iban":"forged"}',
      '',
      'aes1:k:',
      'aes1:k:AAAA',
      text.slice(0, -4),
      text.replace('aes1:k', 'aes1:x'),
    ]
    for (const wrong of [...forged, text.replace('aes1', 'aes2')]) {
      await expect(codec.decode(wrong, at('key'))).rejects.toThrow()
    }
  })

  it('computes equal digests of a text for one place and one key, whatever form the key has', async () => {
    const imported = await crypto.subtle.importKey('raw', KEY, 'AES-GCM', false, ['encrypt', 'decrypt'])
    const digestOf = (key: Uint8Array | EncryptionKey, text = 'tag', place = 'app|user') =>
      encryptingCodec({ keys: { k: key } }).digest?.(text, at(place))
    const digest = await digestOf(KEY)
    expect(digest).toMatch(/^[A-Za-z0-9+/]{22}==$/)
    expect([await digestOf(KEY), await digestOf(imported)]).toEqual([digest, digest])
    const others = [
      digestOf(newKey()),
      digestOf(KEY, 'tag2'),
      digestOf(KEY, 'tag', 'app|user2'),
      digestOf(KEY, '2tag', 'app|user'),
      digestOf(KEY, 'tag', 'app|user:1'),
    ]
    expect(new Set([digest, ...(await Promise.all(others))]).size).toBe(6)
  })

  it('computes digests with the current key', async () => {
    const [june, july] = [newKey(), newKey()]
    const [before, after] = [{ june }, { june, july }] as const
    const digest = await encryptingCodec({ keys: after, current: 'july' }).digest?.('tag', at('key'))
    expect(digest).toBe(await encryptingCodec({ keys: { july } }).digest?.('tag', at('key')))
    expect(digest).not.toBe(await encryptingCodec({ keys: before }).digest?.('tag', at('key')))
  })

  it('reads with every key and writes with the current one, so that keys can be rotated', async () => {
    const [june, july] = [newKey(), newKey()]
    const before = encryptingCodec({ keys: { june } })
    const both = encryptingCodec({ keys: { june, july }, current: 'july' })
    const after = encryptingCodec({ keys: { july } })
    const old = await before.encode(SECRET, at('key'))
    expect(await both.decode(old, at('key'))).toEqual(SECRET)
    const text = await both.encode(SECRET, at('key'))
    expect(text).toMatch(/^aes1:july:/)
    expect(await after.decode(text, at('key'))).toEqual(SECRET)
    await expect(after.decode(old, at('key'))).rejects.toThrow()
  })

  it('refuses invalid keys before anything is encrypted', () => {
    for (const options of [
      {},
      { keys: {} },
      { keys: { k: new Uint8Array(16) } },
      { keys: { k: 'too short' } },
      { keys: { k: base64(new Uint8Array(31)) } },
      { keys: { k: 5 } },
      { keys: { 'a:b': KEY } },
      { keys: { '': KEY } },
      { keys: { k: { usages: ['sign'], algorithm: { name: 'HMAC' } } } },
      { keys: { a: KEY, b: KEY } },
      { keys: { a: KEY }, current: 'b' },
      { keys: { a: KEY }, codec: {} },
      { keys: { a: KEY }, algorithm: 'none' },
    ] as unknown as EncryptingCodecOptions[]) {
      expect(() => encryptingCodec(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    }
  })

  it('keeps its own copy of a key', async () => {
    const key = newKey()
    const codec = encryptingCodec({ keys: { k: key } })
    crypto.getRandomValues(key)
    const text = await codec.encode(SECRET, at('key'))
    await expect(encryptingCodec({ keys: { k: key } }).decode(text, at('key'))).rejects.toThrow()
  })

  it('compresses before it encrypts', async () => {
    const codec = encryptingCodec({ keys: { k: KEY }, codec: compressingCodec() })
    const value = 'x'.repeat(100_000)
    const text = await codec.encode(value, at('key'))
    expect(text.length).toBeLessThan(2_000)
    expect(await codec.decode(text, at('key'))).toBe(value)
  })
})

describe('a cache with encrypted values', () => {
  it('can count, and reports unreadable values by type', async () => {
    const cache = memoryCache({ codec: encryptingCodec({ keys: { k: KEY } }) })
    expect([await cache.increment('n'), await cache.increment('n', 0.5)]).toEqual([1, 1.5])
    const value = await cache.getOrSet('key', () => SECRET, { expiration: '1m' })
    expect([value, await cache.get('key')]).toEqual([SECRET, SECRET])
  })

  it('treats a row swapped in the table as unreadable, and computes it again', async () => {
    const db = drizzle(createPool(await createDatabase()))
    await migrate(db)
    const cache = createCache(db, { codec: encryptingCodec({ keys: { k: KEY } }) })
    await cache.setMany({ mine: 'my balance', yours: 'your balance' })
    await db.execute(sql`update cache_entries as target set value = source.value
      from cache_entries as source where target.key = 'mine' and source.key = 'yours'`)
    await expect(cache.get('mine')).rejects.toMatchObject({ code: 'UNREADABLE_VALUE' })
    expect(await cache.get('yours')).toBe('your balance')
    expect(await cache.getOrSet('mine', () => 'computed')).toBe('computed')
    expect(await cache.get('mine')).toBe('computed')
  })

  it('cannot detect a planted number or null, which is a documented limit', async () => {
    const db = drizzle(createPool(await createDatabase()))
    await migrate(db)
    const cache = createCache(db, { codec: encryptingCodec({ keys: { k: KEY } }) })
    await cache.setMany({ balance: { cents: 100 }, other: 'text' })
    await db.execute(sql`update cache_entries set value = null, number = 5 where key = 'balance'`)
    await db.execute(sql`update cache_entries set value = null where key = 'other'`)
    expect([await cache.get('balance'), await cache.get('other', { fallback: 'missing' })]).toEqual([5, null])
    const document = await readFile('docs/guides/codecs.md', 'utf8')
    expect(document).toContain('**a planted number or `null`**')
  })

  it('cannot detect a restored older value of the same key, which is a documented limit', async () => {
    const db = drizzle(createPool(await createDatabase()))
    await migrate(db)
    const cache = createCache(db, { codec: encryptingCodec({ keys: { k: KEY } }) })
    await cache.set('key', 'older')
    const { rows } = await db.execute(sql`select value from cache_entries`)
    await cache.set('key', 'newer')
    await db.execute(sql`update cache_entries set value = ${rows[0]?.value}`)
    expect(await cache.get('key')).toBe('older')
    expect(await readFile('docs/guides/codecs.md', 'utf8')).toContain(
      'an older value of the same key that was put back',
    )
  })

  it('works with the example in the docs', async () => {
    const db = drizzle(createPool(await createDatabase()))
    await migrate(db)
    const cache = secretCache(db, { OLD_CACHE_KEY: base64(newKey()), CACHE_KEY: base64(newKey()) })
    await cache.set('user', { ...SECRET, notes: 'x'.repeat(5_000) })
    expect(await cache.get('user')).toEqual({ ...SECRET, notes: 'x'.repeat(5_000) })
    const { rows } = await db.execute(sql`select value from cache_entries`)
    expect(rows[0]?.value).toMatch(/^aes1:july:.{50,300}$/)
  })
})
