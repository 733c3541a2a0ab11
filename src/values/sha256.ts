/**
 * SHA-256 (FIPS 180-4), synchronous and the same on every runtime.
 *
 * Keys are hashed with it, and a key cannot be a promise: `crypto.subtle` is asynchronous, and Node's `crypto` is missing on
 * the edge. Rejected: `@noble/hashes`, which takes 2 KB more of each gzipped bundle. Nothing here depends on a secret:
 * the time depends on the length of the input alone.
 */

const BLOCK_BYTES = 64
const WORD_BYTES = 4
const ROUNDS = 64
/** The padding after the message: a mark of one byte, and the length in bits as eight bytes. */
const MARK = 0x80
const LENGTH_BYTES = 8
const HALF = 2 ** 32

const ENCODER = /* @__PURE__ */ new TextEncoder()

/** The first 32 bits of the fractional parts of the roots of the first primes (4.2.2 and 5.3.3), derived at first use. */
let constants: ReturnType<typeof deriveConstants> | undefined

function deriveConstants() {
  const primes: number[] = []
  for (let n = 2; primes.length < ROUNDS; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n)
  // A double has 18 bits more than these need, so it does not matter how an engine rounds roots.
  const fraction = (root: number) => (root % 1) * HALF
  return {
    initial: Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
    rounds: Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
    /** Room for the schedule of a block. No call interrupts another. */
    words: new Int32Array(ROUNDS),
  }
}

export function sha256(message: Uint8Array): Uint8Array {
  constants ??= deriveConstants()
  const { initial, rounds, words } = constants
  const hash = initial.slice()
  const blocks = padded(message)
  for (let offset = 0; offset < blocks.byteLength; offset += BLOCK_BYTES) {
    schedule(words, blocks, offset)
    compress(hash, words, rounds)
  }
  const digest = new Uint8Array(hash.byteLength)
  const view = new DataView(digest.buffer)
  for (let i = 0; i < hash.length; i++) view.setInt32(i * WORD_BYTES, at(hash, i))
  return digest
}

/** The message in whole blocks (5.1.1). */
function padded(message: Uint8Array): DataView {
  const count = Math.ceil((message.length + 1 + LENGTH_BYTES) / BLOCK_BYTES)
  const bytes = new Uint8Array(count * BLOCK_BYTES)
  bytes.set(message)
  bytes[message.length] = MARK
  const view = new DataView(bytes.buffer)
  const bits = message.length * 8
  view.setUint32(bytes.length - LENGTH_BYTES, bits / HALF)
  view.setUint32(bytes.length - WORD_BYTES, bits)
  return view
}

/** The message schedule of one block (6.2.2, step 1). */
function schedule(words: Int32Array, blocks: DataView, offset: number): void {
  for (let i = 0; i < 16; i++) words[i] = blocks.getInt32(offset + i * WORD_BYTES)
  for (let i = 16; i < ROUNDS; i++) {
    const x = at(words, i - 15)
    const y = at(words, i - 2)
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10)
    words[i] = at(words, i - 16) + s0 + at(words, i - 7) + s1
  }
}

/** Works one block into the hash (6.2.2, steps 2 to 4). The letters are those of the standard. */
function compress(hash: Int32Array, words: Int32Array, rounds: Int32Array): void {
  let a = at(hash, 0)
  let b = at(hash, 1)
  let c = at(hash, 2)
  let d = at(hash, 3)
  let e = at(hash, 4)
  let f = at(hash, 5)
  let g = at(hash, 6)
  let h = at(hash, 7)
  for (let i = 0; i < ROUNDS; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + at(rounds, i) + at(words, i)) | 0
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c))
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  // The array keeps the low 32 bits of each sum.
  hash[0] = at(hash, 0) + a
  hash[1] = at(hash, 1) + b
  hash[2] = at(hash, 2) + c
  hash[3] = at(hash, 3) + d
  hash[4] = at(hash, 4) + e
  hash[5] = at(hash, 5) + f
  hash[6] = at(hash, 6) + g
  hash[7] = at(hash, 7) + h
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits))
}

/** An element that exists. The compiler cannot know that. */
function at(words: Int32Array, index: number): number {
  return words[index] as number
}

export function bytesToHex(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += (byte + 0x100).toString(16).slice(1)
  return hex
}

export function utf8ToBytes(text: string): Uint8Array {
  return ENCODER.encode(text)
}
