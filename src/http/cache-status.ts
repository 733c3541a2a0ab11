/** The Cache-Status field (RFC 9211): how this cache handled the request, after what caches closer to the origin say. */
import { type BareItem, serializeItem, serializeList, Token } from 'structured-headers'
import { isToken } from './fields.ts'
import { structuredList } from './structured-fields.ts'

/** Why the request went to the handler (RFC 9211 2.2). */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial'

interface CommonStatus {
  /** What is left of the freshness lifetime, in milliseconds; negative if the response is stale (2.4). */
  readonly ttlMs?: number | undefined
  /** The cache key (2.7). */
  readonly key?: string | undefined
  /** Whatever else helps to understand (2.8). */
  readonly detail?: string | undefined
}

/** A hit never went forward, so it has nothing to say about that (RFC 9211 2.1 and 2.2). */
export type CacheStatus =
  | (CommonStatus & { readonly hit: true })
  | (CommonStatus & {
      readonly fwd: ForwardReason
      /** The status of the handler's response, where it differs from what the client gets (2.3). */
      readonly fwdStatus?: number | undefined
      readonly stored?: boolean
      readonly collapsed?: boolean
    })

const MS_PER_SECOND = 1_000
/** What a structured Integer can hold (RFC 8941 3.3.1). */
const MAX_INTEGER = 999_999_999_999_999
const UNPRINTABLE = /[^\x20-\x7e]/gu

/**
 * The field's new value.
 *
 * @param upstream its value in the handler's response; one that does not parse is dropped, for it would hide this one (RFC 8941 4.2)
 * @param name of this cache
 */
export function cacheStatus(upstream: string | null, name: string, status: CacheStatus): string {
  const members = structuredList(upstream)
  const own = serializeItem(
    isToken(name) && /^[A-Za-z*]/.test(name) ? new Token(name) : printable(name),
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
  given.set('key', status.key === undefined ? undefined : printable(status.key))
  given.set('detail', status.detail === undefined ? undefined : printable(status.detail))
  return new Map([...given].filter((entry): entry is [string, BareItem] => entry[1] !== undefined))
}

function integer(ms: number | undefined): number | undefined {
  if (ms === undefined || Number.isNaN(ms)) return undefined
  return Math.max(-MAX_INTEGER, Math.min(Math.floor(ms / MS_PER_SECOND), MAX_INTEGER))
}

/** Structured Strings are printable ASCII: all else is percent-encoded, which no line break survives. */
function printable(text: string): string {
  return text.toWellFormed().replace(UNPRINTABLE, encodeURIComponent)
}
