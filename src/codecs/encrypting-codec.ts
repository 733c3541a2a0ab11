/** `encryptingCodec`: encrypts values, so that nobody can read them in the database, its backups and its logs. */
import { checkedCodec } from '../cache/settings.ts'
import { fromBase64, toBase64 } from '../values/base64.ts'
import { type Codec, jsonCodec } from '../values/codec.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { randomBytes } from '../values/random.ts'
import { checkedKeyBytes } from '../values/secret.ts'

/** The shape of a `CryptoKey`, because the types of some programs lack `CryptoKey`. */
export interface EncryptionKey {
  /** The kind of the key: `secret`. */
  readonly type: string
  /** The algorithm that the key is for; its `name` must be `AES-GCM`. */
  readonly algorithm: object
  /** The permitted uses, which must include `encrypt` and `decrypt`. */
  readonly usages: readonly string[]
}

/** Options of {@link encryptingCodec}. */
export interface EncryptingCodecOptions<Id extends string = string> {
  /**
   * AES-256 keys by ids that you choose. The id is stored with each value. A key has 32 bytes: as a `Uint8Array`, in
   * base64, or as a `CryptoKey` for AES-GCM. Every key decrypts.
   */
  keys: Record<Id, EncryptionKey | Uint8Array | string>
  /**
   * The id of the key that encrypts. Required if there are several keys, because an object does not always keep the
   * order of its fields. Default: the only key.
   *
   * To rotate keys, add a new key and make it the current key. Remove the old key when all values that it encrypted
   * have expired.
   */
  current?: NoInfer<Id> | undefined
  /**
   * The codec whose text is encrypted. Default: JSON. Pass a compressing codec here: encrypted text does not compress.
   */
  codec?: Codec | undefined
}

/** The type of a key in this runtime. */
type Key = Parameters<typeof crypto.subtle.encrypt>[1]

const ALGORITHM = 'AES-GCM'
/**
 * The length that NIST SP 800-38D recommends. A nonce of another length is hashed first, so collisions are likelier.
 */
const NONCE_BYTES = 12
const KEY_BYTES = 32
const DIGEST = { name: 'HMAC', hash: 'SHA-256' }
/**
 * Half of an HMAC suffices. If two entity tags have the same digest, a body stays in the database, and is read again.
 */
const DIGEST_BYTES = 16
const FORM = /^aes1:([\w-]{1,32}):([A-Za-z0-9+/]+=*)$/
const ID = /^[\w-]{1,32}$/

/**
 * Creates a codec that encrypts the text of another codec with AES-256-GCM.
 *
 * Each value is authenticated together with the entry's stored key. A value that was changed, or moved to another entry
 * or namespace, is unreadable. Then `get` rejects with UnreadableValueError, and `getOrSet` computes the value again.
 *
 * The codec does not hide keys, tags, times, lengths, or the status of stored responses. It does not hide top-level
 * numbers and `null` either, because they never reach a codec. Wrap a secret number in an object: `{ n: 5 }`.
 *
 * The codec cannot detect a number or `null` that an attacker planted in the table. Nor can it detect that an older
 * value of the same key was put back. Nonces are random: change the key before it has encrypted 2^32 values.
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
      // The caller of `encode` refuses a result that is not a text.
      if (typeof text !== 'string') return text
      const nonce = randomBytes(NONCE_BYTES)
      const sealed = await crypto.subtle.encrypt(parameters(nonce, context.key), await keyOf(id), utf8(text))
      const bytes = new Uint8Array(NONCE_BYTES + sealed.byteLength)
      bytes.set(nonce)
      bytes.set(new Uint8Array(sealed), NONCE_BYTES)
      return `aes1:${id}:${toBase64(bytes)}`
    },
    async decode(text, context) {
      // Refuse a text that is not encrypted: anybody who can write to the table could have put it there.
      const [, by = '', sealed = ''] = FORM.exec(text) ?? []
      const bytes = fromBase64(sealed)
      const key = await keyOf(by)
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const opened = await crypto.subtle.decrypt(parameters(nonce, context.key), key, bytes.subarray(NONCE_BYTES))
      return codec.decode(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(opened), context)
    },
    // The digest needs a key. An entity tag is often a hash of a short body, and a plain hash would allow testing
    // guesses.
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

/** Imports keys on first use. It keeps the imported keys, not promises, which could belong to a cancelled request. */
function createKeyring(given: ReadonlyMap<string, Key | Uint8Array<ArrayBuffer>>) {
  const imported = new Map<string, Key>()
  return async (id: string): Promise<Key> => {
    const known = imported.get(id)
    if (known !== undefined) return known
    const raw = given.get(id)
    if (raw === undefined) throw new RangeError('The value was encrypted with a key that is missing in `keys`.')
    const key =
      raw instanceof Uint8Array
        ? await crypto.subtle.importKey('raw', raw, ALGORITHM, false, ['encrypt', 'decrypt'])
        : raw
    imported.set(id, key)
    return key
  }
}

/**
 * Derives the keys of digests from the encryption keys. An encryption key may be a CryptoKey that can only encrypt. So
 * the digest key is the AES-GCM encryption of zeros under a nonce of zeros, without the authentication tag. It is a
 * secret of the encryption key, and always the same. The random nonce of a value equals this nonce with a probability
 * of 2^-96.
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
      if (!ID.test(id)) throw new InvalidOptionError('Expected the id of a key to be 1 to 32 letters, digits, _ or -.')
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
  const bytes = typeof key === 'string' ? decodeKey(key) : key
  // Copy the bytes, because the caller may wipe them.
  if (ArrayBuffer.isView(bytes) && bytes.byteLength === KEY_BYTES && bytes instanceof Uint8Array)
    return checkedKeyBytes(bytes.slice())
  throw new InvalidOptionError(`Expected a key of ${KEY_BYTES} bytes, as base64, a Uint8Array or a CryptoKey.`)
}

function decodeKey(text: string): Uint8Array | undefined {
  try {
    return fromBase64(text.trim().replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return undefined
  }
}
