import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesToHex, sha256, utf8ToBytes } from '../../src/values/sha256.ts'

const hex = (text: string) => bytesToHex(sha256(utf8ToBytes(text)))
const expectedHex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('sha256', () => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
  ])('returns the digest that FIPS 180-4 gives for %j', (text, digest) => {
    expect(hex(text)).toBe(digest)
  })

  it('returns the digest that FIPS 180-4 gives for a million times a', () => {
    expect(hex('a'.repeat(1_000_000))).toBe('cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0')
  })

  it("equals Node's for every length of up to five blocks", () => {
    for (let length = 0; length <= 320; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length) % 256)
      expect(bytesToHex(sha256(bytes))).toBe(expectedHex(bytes))
    }
  })

  it("equals Node's for random bytes, in a view of a larger buffer as well", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_000 }), fc.nat(3), (bytes, offset) => {
        const view = bytes.subarray(Math.min(offset, bytes.length))
        expect(bytesToHex(sha256(view))).toBe(expectedHex(view))
      }),
    )
  })

  it('has constants that do not depend on how an engine rounds roots', () => {
    const primes = Array.from({ length: 310 }, (_, i) => i + 2).filter((n) => {
      for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
      return true
    })
    expect(primes).toHaveLength(64)
    // The bits behind those that are used. An engine's error is some 2^-50, so 2^-12 of 2^-32 is far from either edge.
    const rests = primes.flatMap((prime) => [Math.sqrt(prime), Math.cbrt(prime)].map((root) => (root * 2 ** 32) % 1))
    expect(Math.min(...rests)).toBeGreaterThan(2 ** -12)
    expect(Math.max(...rests)).toBeLessThan(1 - 2 ** -12)
  })

  it('changes nothing of the message', () => {
    const bytes = utf8ToBytes('abc')
    sha256(bytes)
    expect([...bytes]).toEqual([97, 98, 99])
  })
})

describe('bytesToHex', () => {
  it('writes two lower-case digits for each byte', () => {
    expect(bytesToHex(Uint8Array.of(0, 1, 15, 16, 171, 255))).toBe('00010f10abff')
  })
})

describe('utf8ToBytes', () => {
  it('encodes as UTF-8, and lone surrogates as U+FFFD', () => {
    expect([...utf8ToBytes('é€\u{1F600}')]).toEqual([195, 169, 226, 130, 172, 240, 159, 152, 128])
    expect([...utf8ToBytes('\ud800')]).toEqual([239, 191, 189])
  })
})
