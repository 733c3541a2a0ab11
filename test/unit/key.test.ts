import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  keyRange,
  MAX_KEY_BYTES,
  nestedScope,
  ROOT,
  readableKey,
  type Scope,
  storedKey,
  storedTags,
} from '../../src/values/key.ts'

// Built from the characters with a meaning, so that collisions would be found.
const name = fc.string({ unit: fc.constantFrom('|', '\\', 'a', 'b', ':', '#', '~', 'é'), minLength: 1, maxLength: 6 })
const path = fc.array(name, { maxLength: 3 })
const scopeOf = (names: string[]): Scope => names.reduce<Scope>((scope, name) => nestedScope(scope, name), ROOT)
const versioned = fc.array(fc.tuple(name, fc.option(name, { nil: undefined })), { maxLength: 3 })

describe('stored keys', () => {
  it('are injective over namespaces and keys', () => {
    fc.assert(
      fc.property(path, name, path, name, (pathA, keyA, pathB, keyB) => {
        const same = JSON.stringify([pathA, keyA]) === JSON.stringify([pathB, keyB])
        expect(storedKey(scopeOf(pathA), keyA) === storedKey(scopeOf(pathB), keyB)).toBe(same)
      }),
      { numRuns: 20_000 },
    )
  })

  it('are injective over versions of namespaces too', () => {
    const scope = (path: [string, string | undefined][]) =>
      path.reduce<Scope>((outer, [own, version]) => nestedScope(outer, own, { version }), ROOT)
    fc.assert(
      fc.property(versioned, name, versioned, name, (pathA, keyA, pathB, keyB) => {
        const same = JSON.stringify([pathA, keyA]) === JSON.stringify([pathB, keyB])
        expect(storedKey(scope(pathA), keyA) === storedKey(scope(pathB), keyB)).toBe(same)
      }),
      { numRuns: 20_000 },
    )
  })

  it('decode to the namespaces and the key that they were made of', () => {
    fc.assert(
      fc.property(path, path, name, (outer, inner, key) => {
        const scope = scopeOf(outer)
        const nested = inner.reduce<Scope>((outer, name) => nestedScope(outer, name), scope)
        expect(readableKey(scope, storedKey(nested, key))).toEqual({ key, namespace: inner })
      }),
    )
  })

  it('lie in the range of their scope and prefix, and in no sibling’s', () => {
    const bytes = (text: string) => Buffer.from(text)
    const within = (stored: string, { from, to }: { from: string; to: string }) =>
      Buffer.compare(bytes(stored), bytes(from)) >= 0 && Buffer.compare(bytes(stored), bytes(to)) < 0
    fc.assert(
      fc.property(path, name, path, name, (pathA, keyA, pathB, prefix) => {
        const nested = pathB.every((part, i) => part === pathA[i])
        expect(within(storedKey(scopeOf(pathA), keyA), keyRange(scopeOf(pathB)))).toBe(nested)
        const starts = pathA.length === pathB.length && nested && keyA.startsWith(prefix)
        if (pathA.length === pathB.length)
          expect(within(storedKey(scopeOf(pathA), keyA), keyRange(scopeOf(pathB), prefix))).toBe(starts)
      }),
      { numRuns: 5_000 },
    )
  })

  it('have at most 512 bytes, and exactly 512 if the key was longer', () => {
    const long = fc.string({ unit: fc.constantFrom('a', 'é', '日', '👩'), minLength: 120, maxLength: 700 })
    fc.assert(
      fc.property(long, path, (key, names) => {
        const stored = storedKey(scopeOf(names), key)
        const whole = scopeOf(names).prefix + key
        const length = Buffer.byteLength(stored)
        if (Buffer.byteLength(whole) > MAX_KEY_BYTES) {
          expect(length).toBe(MAX_KEY_BYTES)
          expect(stored).toMatch(/#[0-9a-f]{64}$/)
          expect(stored.startsWith(scopeOf(names).prefix)).toBe(true)
        } else expect(stored).toBe(whole)
      }),
    )
  })

  it('stay readable at exactly 512 bytes, unless they look like a shortened key', () => {
    const plain = 'a'.repeat(512)
    expect(storedKey(ROOT, plain)).toBe(plain)
    const bounded = storedKey(ROOT, 'a'.repeat(513))
    expect(bounded.length).toBe(512)
    const forged = storedKey(ROOT, bounded)
    expect(forged).not.toBe(bounded)
    expect(forged.length).toBe(512)
  })
})

describe('stored tags', () => {
  it('are unique, and null if there are none', () => {
    expect(storedTags(undefined)).toBe(null)
    expect(storedTags([])).toBe(null)
    expect(storedTags(['b', 'a', 'b'])).toEqual(['b', 'a'])
    expect(storedTags('whole')).toEqual(['whole'])
  })
})
