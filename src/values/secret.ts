/** Checks secrets by one rule, and compares them in constant time. */

import { describeType, InvalidOptionError } from './errors.ts'
import { sha256, utf8ToBytes } from './sha256.ts'

/** A shorter secret can be guessed. */
export const MIN_SECRET_LENGTH = 16

/** Spaces, line breaks, control characters, and characters without a glyph. */
const INVISIBLE = /[\s\p{C}\p{Z}]/u
const CONTROL = /\p{Cc}/u
/** Characters that a header field can carry. `fetch` refuses others. */
const HEADER_TEXT = /^[\x20-\x7e]*$/
/** The tokens that `Authorization: Bearer` can carry (RFC 6750, 2.1). A client cannot send any other. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/

/**
 * Checks a secret that a person or program will send. It needs at least 16 visible characters. It must not begin or end
 * with white space, which a file of variables may leave there.
 *
 * @param name the option's name
 * @throws InvalidOptionError
 */
export function checkedSecret(name: string, secret: unknown): string {
  const refuse = (received: string) =>
    new InvalidOptionError(
      `Expected ${name} to have at least ${MIN_SECRET_LENGTH} visible characters, got ${received}${received.endsWith('?') ? '' : '.'} ` +
        'Make one with `openssl rand -hex 32`.',
    )
  if (typeof secret !== 'string') throw refuse(describeType(secret))
  if (secret === '') throw refuse('an empty string: is its variable set?')
  if (secret.trim() !== secret) throw refuse('one with white space at an end, which nobody could send')
  if (CONTROL.test(secret)) throw refuse('one with a control character')
  if ([...secret].filter((character) => !INVISIBLE.test(character)).length < MIN_SECRET_LENGTH) throw refuse('fewer')
  return secret
}

/** Checks a secret that arrives in a header field. @throws InvalidOptionError */
export function checkedHeaderSecret(name: string, secret: unknown): string {
  const checked = checkedSecret(name, secret)
  if (HEADER_TEXT.test(checked)) return checked
  throw new InvalidOptionError(`Expected ${name} to have only characters of ASCII, because a header field carries it.`)
}

/** Checks a secret for `Authorization: Bearer`. @throws InvalidOptionError */
export function bearerToken(secret: unknown): string {
  const checked = checkedSecret('secret', secret)
  if (BEARER_TOKEN.test(checked)) return checked
  throw new InvalidOptionError(
    'Expected secret to have only letters, digits and -._~+/, with = at the end, as RFC 6750 has it.',
  )
}

/** Checks a key. If all bytes are the same, its buffer was never filled, or was wiped. @throws InvalidOptionError */
export function checkedKeyBytes<Bytes extends Uint8Array>(bytes: Bytes): Bytes {
  if (bytes.some((byte) => byte !== bytes[0])) return bytes
  throw new InvalidOptionError('Expected a key of random bytes, got one whose bytes are all the same.')
}

/** Returns a function that checks whether a text is the secret. It hashes the secret only once. */
export function secretCheck(secret: string): (given: string) => boolean {
  const expected = digest(secret)
  return (given) => equal(digest(given), expected)
}

/**
 * True while no secret is configured. A build can then load the module of a route, but the route must refuse all
 * requests.
 */
export function isUnset(secret: unknown): boolean {
  return secret === undefined || (typeof secret === 'string' && secret.trim() === '')
}

/**
 * Returns a function that checks whether an Authorization field carries the secret. Schemes ignore case (RFC 9110
 * 11.1).
 */
export function bearerCheck(secret: string): (authorization: string) => boolean {
  const isRight = secretCheck(secret)
  return (authorization) => isRight(/^bearer +(.*)$/i.exec(authorization)?.[1] ?? '')
}

// Compare digests, because they have the same length for all texts.
function digest(text: string): Uint8Array {
  return sha256(utf8ToBytes(text))
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}
