import { expect, it } from 'vitest'
import { utf8Bytes } from '../../src/values/events.ts'

it('the bytes of a text are those of its UTF-8, whatever its length', () => {
  const encoder = new TextEncoder()
  for (const part of ['', 'a', 'é', '\u07ff', '\u0800', '漢', '\uffff', '𝄞', 'aé漢𝄞']) {
    for (const count of [0, 1, 2, 99, 199, 200, 399, 400, 401, 1_000]) {
      const text = part.repeat(count)
      expect(utf8Bytes(text)).toBe(encoder.encode(text).length)
    }
  }
})
