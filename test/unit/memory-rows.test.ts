import { describe, expect, it } from 'vitest'
import { decodeRow } from '../../src/store/decode-row.ts'
import { buildEntry } from '../../src/store/entries.ts'
import { DecodedCopies, MemoryRow } from '../../src/stores/memory/row.ts'
import { createStorage } from '../../src/stores/memory/storage.ts'
import { jsonCodec } from '../../src/values/codec.ts'
import { NEVER } from '../../src/values/expiration.ts'
import { JsonCopies } from '../../src/values/json-copies.ts'

const WRITE = { deadline: NEVER, tags: null, asOf: null }
const entry = (key: string, value: unknown) =>
  buildEntry({ key, value: JSON.stringify(value), number: null }, WRITE, 1, 0)
const read = (row: MemoryRow | undefined, times = 2) => {
  for (let i = 0; i < times && row !== undefined; i++) decodeRow(row, row.key, jsonCodec)
  return row
}
const bytesOf = (row: MemoryRow | undefined) => (row?.decoded instanceof JsonCopies ? row.decoded.bytes : 0)
const VALUE = { text: 'x'.repeat(1_000), list: [{ a: 1 }] }

function filledStorage(count: number, maxBytes: number, maxEntries = 1_000) {
  const storage = createStorage({ maxEntries, maxBytes, now: () => 0 })
  for (let i = 0; i < count; i++) storage.put(entry(`key ${i}`, VALUE))
  return storage
}

describe('the decoded copies of a memory cache', () => {
  it('are kept for values that are read more than once', () => {
    const storage = filledStorage(2, 100_000)
    expect(read(storage.read('key 0'), 1)?.decoded).not.toBeInstanceOf(JsonCopies)
    expect(read(storage.read('key 0'), 1)?.decoded).toBeInstanceOf(JsonCopies)
    expect(storage.read('key 1')?.decoded).toBeUndefined()
  })

  it('use at most half of maxBytes beside the entries, and evict no entry', () => {
    const storage = filledStorage(100, 150_000)
    for (let round = 0; round < 3; round++) for (const row of storage.rows()) read(row)
    const kept = [...storage.rows()].map(bytesOf)
    expect(kept.length).toBe(100)
    const total = kept.reduce((sum, bytes) => sum + bytes, 0)
    expect(total).toBeLessThanOrEqual(75_000)
    expect(total).toBeGreaterThan(70_000)
    for (const row of storage.rows()) expect(decodeRow(row, row.key, jsonCodec)).toEqual(VALUE)
  })

  it('are evicted for copies of values that were read later', () => {
    const storage = filledStorage(100, 150_000)
    for (let i = 0; i < 100; i++) read(storage.peek(`key ${i}`))
    expect(bytesOf(storage.peek('key 0'))).toBe(0)
    read(storage.peek('key 0'), 1)
    expect(bytesOf(storage.peek('key 0'))).toBe(0)
    expect(bytesOf(read(storage.peek('key 0'), 1))).toBeGreaterThan(1_000)
  })

  it('are not kept if one would evict many others', () => {
    const storage = filledStorage(0, 150_000)
    storage.put(entry('large', [VALUE.text, ...Array.from({ length: 1_000 }, () => ({}))]))
    storage.put(entry('small', VALUE))
    expect(read(storage.peek('large'), 4)?.decoded).toBeNull()
    expect(bytesOf(read(storage.peek('small')))).toBeGreaterThan(0)
  })

  it.each<[string, (storage: ReturnType<typeof createStorage>) => unknown]>([
    ['replaced', (storage) => storage.put(entry('key 0', 'newer'))],
    ['removed', (storage) => storage.remove('key 0')],
    ['evicted', (storage) => ['a', 'b', 'c'].map((key) => storage.put(entry(key, 1)))],
    ['too large when it is written again', (storage) => storage.put(entry('key 0', 'x'.repeat(200_000)))],
    ['cleared', (storage) => storage.clear()],
  ])('are dropped when their entry is %s, and do not come back', (_, change) => {
    const storage = filledStorage(1, 150_000, 3)
    const row = read(storage.peek('key 0'))
    expect(bytesOf(row)).toBeGreaterThan(0)
    change(storage)
    expect(row?.decoded).toBeUndefined()
    // An entry handle may still hold the row.
    expect(bytesOf(read(row, 4))).toBe(0)
  })

  it('count towards maxBytes until they are dropped', () => {
    const copies = new DecodedCopies(100_000)
    const rows = ['a', 'b'].map((key) => new MemoryRow(entry(key, VALUE), copies))
    for (const row of rows) read(row)
    expect(copies.bytes).toBe(rows.map(bytesOf).reduce((a, b) => a + b))
    rows[0]?.detach()
    expect(copies.bytes).toBe(bytesOf(rows[1]))
    for (const row of rows) row.detach()
    expect(copies.bytes).toBe(0)
  })

  it('are not taken over by a copy of the row with another value', () => {
    const row = read(filledStorage(1, 100_000).peek('key 0')) as MemoryRow
    expect(Object.keys({ ...row })).not.toContain('decoded')
    expect({ ...row, value: '1' }).not.toHaveProperty('decoded')
  })
})
