/**
 * SHA-256 (FIPS 180-4), synchronous, in every runtime.
 *
 * `crypto.subtle` is asynchronous and would make a key a promise. Rejected: `@noble/hashes`, whose general machinery for all
 * hashes took 2.7 KB of each bundle, compressed, where this takes 0.6.
 */

const BLOCK_BYTES = 64
const ROUNDS = 64
const STATE_WORDS = 8

const ENCODER = /* @__PURE__ */ new TextEncoder()

/** A text in UTF-8. A lone surrogate becomes U+FFFD. */
export function utf8ToBytes(text: string): Uint8Array<ArrayBuffer> {
  return ENCODER.encode(text)
}

export function bytesToHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { initial, added } = constants()
  const state = initial.slice()
  const message = padded(bytes)
  const schedule = new Int32Array(ROUNDS)
  for (let offset = 0; offset < message.byteLength; offset += BLOCK_BYTES) {
    compress(state, message, offset, schedule, added)
  }
  const digest = new DataView(new ArrayBuffer(STATE_WORDS * 4))
  for (const [i, word] of state.entries()) digest.setInt32(i * 4, word)
  return new Uint8Array(digest.buffer)
}

/** The message, a one bit, zeros, and its length in bits as 64 bits, in whole blocks. */
function padded(bytes: Uint8Array): DataView<ArrayBuffer> {
  const blocks = Math.ceil((bytes.length + 9) / BLOCK_BYTES)
  const message = new Uint8Array(blocks * BLOCK_BYTES)
  message.set(bytes)
  message[bytes.length] = 0x80
  const view = new DataView(message.buffer)
  view.setBigUint64(message.length - 8, BigInt(bytes.length) * 8n)
  return view
}

function compress(state: Int32Array, message: DataView, offset: number, schedule: Int32Array, added: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let i = 0; i < ROUNDS; i++) {
    if (i < 16) schedule[i] = message.getInt32(offset + i * 4)
    else {
      const x = at(schedule, i - 15)
      const y = at(schedule, i - 2)
      schedule[i] =
        at(schedule, i - 16) +
        at(schedule, i - 7) +
        (rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)) +
        (rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10))
    }
    const mixed =
      h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + at(added, i) + at(schedule, i)
    const next = mixed + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
    h = g
    g = f
    f = e
    e = (d + mixed) | 0
    d = c
    c = b
    b = a
    a = next | 0
  }
  for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) state[i] = at(state, i) + word
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by))
}

/** A word that is there. The caller keeps the index within the array. */
function at(words: Int32Array, index: number): number {
  return words[index] as number
}

interface Constants {
  readonly initial: Int32Array
  readonly added: Int32Array
}

let known: Constants | undefined

/**
 * The first 32 bits of the fractions of the square roots of the first 8 primes, and of the cube roots of the first 64.
 *
 * Computed on first use, because as a table they would be half of this module. A double holds 17 bits more than are taken,
 * so the last bits of a runtime's roots do not matter.
 */
function constants(): Constants {
  if (known !== undefined) return known
  const primes: number[] = []
  for (let n = 2; primes.length < ROUNDS; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n)
  const fraction = (root: number) => (root % 1) * 2 ** 32
  known = {
    initial: Int32Array.from(primes.slice(0, STATE_WORDS), (prime) => fraction(Math.sqrt(prime))),
    added: Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
  }
  return known
}
