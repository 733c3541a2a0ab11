/**
 * The Cache-Status field (RFC 9211): how this cache handled the request, after the members of caches closer to the
 * origin.
 */
import { type BareItem, serializeItem, serializeList, Token } from 'structured-headers'
import { isToken } from './fields.ts'
import type { Reuse } from './serving.ts'
import { structuredList } from './structured-fields.ts'

/** Why the request went to the handler (RFC 9211 2.2). */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial'

interface CommonStatus {
  /** The remaining freshness lifetime in milliseconds; negative if the response is stale (2.4). */
  readonly ttlMs?: number | undefined
  /** The cache key (2.7). */
  readonly key?: string | undefined
  /** Further information for a human reader (2.8). */
  readonly detail?: string | undefined
}

/** A hit never went to the handler, so it has none of the `fwd` parameters (RFC 9211 2.1 and 2.2). */
export type CacheStatus =
  | (CommonStatus & { readonly hit: true })
  | (CommonStatus & {
      readonly fwd: ForwardReason
      /** The status of the handler's response, if the client gets another one (2.3). */
      readonly fwdStatus?: number | undefined
      readonly stored?: boolean
      readonly collapsed?: boolean
    })

/** The parts of a lookup's result that explain why the request goes to the handler. */
export interface Lookup {
  /** Whether a stored response was selected: the whole, or a part of it. */
  readonly found: 'whole' | 'part' | undefined
  /** The fields that the URL's responses vary on; undefined if nothing is known about the URL. */
  readonly names: readonly string[] | undefined
}

const MS_PER_SECOND = 1_000
/** The largest structured Integer (RFC 8941 3.3.1). */
const MAX_INTEGER = 999_999_999_999_999
const UNPRINTABLE = /[^\x20-\x7e]/gu

/**
 * Returns why a request goes to the handler (RFC 9211 2.2).
 *
 * @param judged the result of `reuse` for the stored response; undefined if none was found, or if it lacks requested
 *   bytes
 */
export function forwardReason({ found, names }: Lookup, judged: Reuse | undefined): ForwardReason {
  if (judged?.fwd !== undefined) return judged.fwd
  if (found === 'part' && judged === undefined) return 'partial'
  if (found !== undefined) return 'stale'
  if (names === undefined) return 'uri-miss'
  return names.length === 0 ? 'miss' : 'vary-miss'
}

/**
 * Returns the field's new value.
 *
 * @param upstream the value in the handler's response. A value that does not parse is dropped, because it would
 *   invalidate the whole field (RFC 8941 4.2).
 * @param name the name of this cache
 */
export function formatCacheStatus(upstream: string | null, name: string, status: CacheStatus): string {
  const members = structuredList(upstream)
  const own = serializeItem(
    isToken(name) && /^[A-Za-z*]/.test(name) ? new Token(name) : percentEncode(name),
    parameters(status),
  )
  return members?.length ? `${serializeList(members)}, ${own}` : own
}

function parameters(status: CacheStatus): Map<string, BareItem> {
  const given = new Map<string, BareItem | undefined>()
  if ('hit' in status) given.set('hit', true)
  else {
    given.set('fwd', new Token(status.fwd))
    given.set('fwd-status', status.fwdStatus)
    given.set('stored', status.stored || undefined)
    given.set('collapsed', status.collapsed || undefined)
  }
  given.set('ttl', integer(status.ttlMs))
  given.set('key', status.key === undefined ? undefined : percentEncode(status.key))
  given.set('detail', status.detail === undefined ? undefined : percentEncode(status.detail))
  return new Map([...given].filter((entry): entry is [string, BareItem] => entry[1] !== undefined))
}

function integer(ms: number | undefined): number | undefined {
  if (ms === undefined || Number.isNaN(ms)) return undefined
  return Math.max(-MAX_INTEGER, Math.min(Math.floor(ms / MS_PER_SECOND), MAX_INTEGER))
}

/**
 * Encodes everything except printable ASCII, because a structured String allows nothing else. So line breaks cannot
 * split the field.
 */
function percentEncode(text: string): string {
  return text.toWellFormed().replace(UNPRINTABLE, encodeURIComponent)
}
