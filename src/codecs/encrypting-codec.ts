/** `encryptingCodec`: values that the database, its backups and its logs cannot read. */
import { checkedCodec } from '../cache/settings.ts'
import { fromBase64, toBase64 } from '../values/base64.ts'
import { type Codec, jsonCodec } from '../values/codec.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { randomBytes } from '../values/random.ts'
import { checkedKeyBytes } from '../values/secret.ts'

/** A `CryptoKey` by its shape, as not every program's types know one. */
export interface EncryptionKey {
  readonly type: string
  readonly algorithm: object
  readonly usages: readonly string[]
}

export interface EncryptingCodecOptions<Id extends string = string> {
  /**
   * Keys of AES-256 by an id of your own, which is stored with each value: 32 bytes, as they are, in base64, or as a
   * `CryptoKey` for AES-GCM. All of them decrypt.
   */
  keys: Record<Id, EncryptionKey | Uint8Array | string>
  /**
   * The id of the key that encrypts; needed where there are several, as the order of an object's fields is not always
   * the one that they are written in. To rotate, add a key and make it the current one; drop the old one when what it
   * encrypted has expired.
   */
  current?: NoInfer<Id> | undefined
  /** What makes the text that is encrypted; default: JSON. Compress there, because what is encrypted does not shrink. */
  codec?: Codec | undefined
}

/** A key as this runtime's types know it. */
type Key = Parameters<typeof crypto.subtle.encrypt>[1]

const ALGORITHM = 'AES-GCM'
/** What NIST SP 800-38D recommends: any other length is hashed first, and collides sooner. */
const NONCE_BYTES = 12
const KEY_BYTES = 32
const DIGEST = { name: 'HMAC', hash: 'SHA-256' }
/** Half of it: two tags with one digest only cost that a body stays in the database, and is read again. */
const DIGEST_BYTES = 16
const FORM = /^aes1:([\w-]{1,32}):([A-Za-z0-9+/]+=*)$/
const ID = /^[\w-]{1,32}$/

/**
 * Encrypts what another codec makes with AES-256-GCM.
 *
 * The entry's stored key is authenticated with each value: one that is moved to another entry, another namespace, or
 * changed in any bit, is unreadable. So `get` rejects with UnreadableValueError, and `getOrSet` computes anew.
 *
 * It does not hide keys, tags, times and lengths, the status of stored responses, nor top-level numbers and `null`, which
 * never reach a codec. Wrap a number that is a secret: `{ n: 5 }`. For the same reason it does not notice a number or `null` that was planted in the table, nor
 * an older value of the same key that was put back. Nonces are random: change the key before it has encrypted 2^32 values.
 *
 * @throws InvalidOptionError
 * @example
 * const codec = encryptingCodec({ keys: { old: env.OLD_CACHE_KEY, new: env.CACHE_KEY }, current: 'new' })
 * const cache = createCache(db, { codec })
 */
export function encryptingCodec<Id extends string>(options: EncryptingCodecOptions<Id>): Codec {
  const known = ['keys', 'current', 'codec'] as const
  const { keys: given, current, codec = jsonCodec } = optionsObject<EncryptingCodecOptions<Id>>(options, known)
  checkedCodec(codec)
  const keys = checkedKeys(given)
  const id = currentOf(keys, current)
  const keyOf = createKeyring(keys)
  const digestKeyOf = createDigestKeys(keyOf)
  return {
    async encode(value, context) {
      const text = await codec.encode(value, context)
      // A text that is none is refused by whoever called.
      if (typeof text !== 'string') return text
      const nonce = randomBytes(NONCE_BYTES)
      const sealed = await crypto.subtle.encrypt(parameters(nonce, context.key), await keyOf(id), utf8(text))
      const bytes = new Uint8Array(NONCE_BYTES + sealed.byteLength)
      bytes.set(nonce)
      bytes.set(new Uint8Array(sealed), NONCE_BYTES)
      return `aes1:${id}:${toBase64(bytes)}`
    },
    async decode(text, context) {
      // What is not encrypted is not taken either: whoever can write to the table could put anything there.
      const [, by = '', sealed = ''] = FORM.exec(text) ?? []
      const bytes = fromBase64(sealed)
      const key = await keyOf(by)
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const opened = await crypto.subtle.decrypt(parameters(nonce, context.key), key, bytes.subarray(NONCE_BYTES))
      return codec.decode(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(opened), context)
    },
    // Keyed, because a hash alone would let anyone test guesses: an entity tag is often a hash of a short body.
    async digest(text, context) {
      const signed = utf8(JSON.stringify([context.key, text]))
      const whole = new Uint8Array(await crypto.subtle.sign(DIGEST, await digestKeyOf(id), signed))
      return toBase64(whole.subarray(0, DIGEST_BYTES))
    },
  }
}

function parameters(iv: Uint8Array<ArrayBuffer>, key: string) {
  return { name: ALGORITHM, iv, additionalData: utf8(key) }
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

/** Imports keys on first use, and keeps what has arrived: a promise could belong to a request that was cancelled. */
function createKeyring(given: ReadonlyMap<string, Key | Uint8Array<ArrayBuffer>>) {
  const imported = new Map<string, Key>()
  return async (id: string): Promise<Key> => {
    const known = imported.get(id)
    if (known !== undefined) return known
    const raw = given.get(id)
    if (raw === undefined) throw new RangeError('The value was encrypted with a key that is not there.')
    const key =
      raw instanceof Uint8Array
        ? await crypto.subtle.importKey('raw', raw, ALGORITHM, false, ['encrypt', 'decrypt'])
        : raw
    imported.set(id, key)
    return key
  }
}

/**
 * The keys of digests. Each is made from its encryption key, which may be a CryptoKey that only encrypts: what AES-GCM makes
 * of zeros under a nonce of zeros, without the tag. That is a secret of one key, and always the same. A random nonce of a
 * value equals that nonce with a chance of 2^-96.
 */
function createDigestKeys(keyOf: (id: string) => Promise<Key>) {
  const made = new Map<string, Key>()
  return async (id: string): Promise<Key> => {
    const known = made.get(id)
    if (known !== undefined) return known
    const zeros = { name: ALGORITHM, iv: new Uint8Array(NONCE_BYTES) }
    const sealed = await crypto.subtle.encrypt(zeros, await keyOf(id), new Uint8Array(KEY_BYTES))
    const key = await crypto.subtle.importKey('raw', sealed.slice(0, KEY_BYTES), DIGEST, false, ['sign'])
    made.set(id, key)
    return key
  }
}

/** @throws InvalidOptionError */
function checkedKeys(keys: unknown): Map<string, Key | Uint8Array<ArrayBuffer>> {
  if (typeof keys !== 'object' || keys === null || Object.keys(keys).length === 0) {
    throw new InvalidOptionError(`Expected keys to be an object of at least one key, got ${describeType(keys)}.`)
  }
  return new Map(
    Object.entries(keys).map(([id, key]) => {
      if (!ID.test(id)) throw new InvalidOptionError('Expected the id of a key as 1 to 32 letters, digits, _ and -.')
      return [id, checkedKey(key)]
    }),
  )
}

function currentOf(keys: ReadonlyMap<string, unknown>, current: unknown): string {
  const [only = ''] = keys.keys()
  if (current === undefined && keys.size === 1) return only
  if (typeof current === 'string' && keys.has(current)) return current
  throw new InvalidOptionError(`Expected current to be the id of one of the keys, got ${describeType(current)}.`)
}

function checkedKey(key: unknown): Key | Uint8Array<ArrayBuffer> {
  const { algorithm, usages } = Object(key) as Partial<EncryptionKey>
  if (Array.isArray(usages)) {
    if (
      Reflect.get(Object(algorithm), 'name') === ALGORITHM &&
      usages.includes('encrypt') &&
      usages.includes('decrypt')
    )
      return key as Key
    throw new InvalidOptionError('Expected a CryptoKey for AES-GCM that may encrypt and decrypt.')
  }
  const bytes = typeof key === 'string' ? decoded(key) : key
  // A copy: the caller's bytes may be wiped.
  if (ArrayBuffer.isView(bytes) && bytes.byteLength === KEY_BYTES && bytes instanceof Uint8Array)
    return checkedKeyBytes(bytes.slice())
  throw new InvalidOptionError(`Expected a key of ${KEY_BYTES} bytes, in base64, as a Uint8Array or a CryptoKey.`)
}

function decoded(text: string): Uint8Array | undefined {
  try {
    return fromBase64(text.trim().replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return undefined
  }
}
