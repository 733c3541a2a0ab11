/** One rule for secrets, and comparing them so that the time it takes tells nothing of them. */

import { describeType, InvalidOptionError } from './errors.ts'
import { sha256, utf8ToBytes } from './sha256.ts'

/** Shorter ones can be guessed. */
export const MIN_SECRET_LENGTH = 16

/** Spaces, line breaks, control characters, and those that only look like nothing. */
const INVISIBLE = /[\s\p{C}\p{Z}]/u
const CONTROL = /\p{Cc}/u
/** Characters that a header field can carry. `fetch` refuses others. */
const HEADER_TEXT = /^[\x20-\x7e]*$/
/** What `Authorization: Bearer` can carry (RFC 6750 2.1): nobody could present another. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/

/**
 * Checks a secret that a person or program presents: at least 16 visible characters, and none at its ends that a variable
 * file may have left there.
 *
 * @param name the option's name
 * @throws InvalidOptionError
 */
export function checkedSecret(name: string, secret: unknown): string {
  const refuse = (came: string) =>
    new InvalidOptionError(
      `Expected ${name} to have at least ${MIN_SECRET_LENGTH} visible characters, got ${came}${came.endsWith('?') ? '' : '.'} ` +
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

/** Checks the bytes of a key: those of a buffer that was never filled, or wiped, are all the same. @throws InvalidOptionError */
export function checkedKeyBytes<Bytes extends Uint8Array>(bytes: Bytes): Bytes {
  if (bytes.some((byte) => byte !== bytes[0])) return bytes
  throw new InvalidOptionError('Expected a key of random bytes, got one whose bytes are all the same.')
}

/** Whether a text is the secret; the secret is hashed once. */
export function secretCheck(secret: string): (given: string) => boolean {
  const expected = digest(secret)
  return (given) => equal(digest(given), expected)
}

// Digests are of equal length, whatever was sent.
function digest(text: string): Uint8Array {
  return sha256(utf8ToBytes(text))
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}
