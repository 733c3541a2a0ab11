/** Comparing secrets so that the time it takes tells nothing of them. */
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { InvalidOptionError } from './errors.ts'

/** Shorter ones can be guessed. */
export const MIN_SECRET_LENGTH = 16

/** What `Authorization: Bearer` can name (RFC 6750 2.1): nobody could present another. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/

/** @throws InvalidOptionError */
export function bearerToken(secret: unknown): string {
  if (typeof secret === 'string' && secret.length >= MIN_SECRET_LENGTH && BEARER_TOKEN.test(secret)) return secret
  throw new InvalidOptionError(
    `Expected secret to have at least ${MIN_SECRET_LENGTH} letters, digits or any of -._~+/, got another.`,
  )
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
