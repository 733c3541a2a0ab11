import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bytesToHex, sha256, utf8ToBytes } from '../../src/values/sha256.ts'

const expected = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

it('hashes messages of every length around the block boundaries', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 31) % 256)
  for (let length = 0; length <= bytes.length; length++) {
    const message = bytes.subarray(0, length)
    expect(bytesToHex(sha256(message))).toBe(expected(message))
  }
})

it('hashes any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
      expect(bytesToHex(sha256(bytes))).toBe(expected(bytes))
    }),
  )
})

it('hashes a message of more than 2^29 bits', () => {
  const bytes = new Uint8Array(2 ** 26 + 3).fill(7)
  expect(bytesToHex(sha256(bytes))).toBe(expected(bytes))
})

it('leaves the message as it was', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  sha256(bytes)
  expect(bytes).toEqual(Uint8Array.of(1, 2, 3))
})

it('encodes a text as UTF-8', () => {
  expect(bytesToHex(utf8ToBytes('aé€😀'))).toBe('61c3a9e282acf09f9880')
})
