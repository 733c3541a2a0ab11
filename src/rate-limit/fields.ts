/**
 * Adds the fields RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-11): the quotas, and how much of
 * each remains.
 *
 * The parameters `qu` and `pk` are omitted. `qu` would only state its default, requests. `pk` is the partition key. It
 * would reveal the key of the limit to the client, and to everyone who reads the client's logs.
 */
import { type BareItem, type Item, serializeList } from 'structured-headers'
import { structuredList } from '../http/structured-fields.ts'

const MS_PER_SECOND = 1_000
/** The largest structured Integer (RFC 8941 3.3.1). */
const MAX_INTEGER = 999_999_999_999_999

/** The state of a limit after one request. */
export interface Usage {
  readonly name: string
  readonly limit: number
  readonly periodMs: number
  readonly remaining: number
  readonly resetMs: number
}

/** The part that `Headers` and a Hono context have in common. */
export interface FieldAccess {
  get(name: string): string | null
  set(name: string, value: string): void
}

/** Adds a limit to the fields, in front of the limits that the request met later. */
export function addRateLimitFields(fields: FieldAccess, { name, limit, periodMs, remaining, resetMs }: Usage): void {
  prepend(fields, 'RateLimit-Policy', [name, integers({ q: limit, w: seconds(periodMs) })])
  prepend(fields, 'RateLimit', [name, integers({ r: remaining, t: seconds(resetMs) })])
}

/**
 * Returns whole seconds, rounded up, so that a client that waits this long has waited long enough (RFC 9110 10.2.3).
 *
 * The result is at least 1: clients should not retry at once when a window ends, and `w` must not be zero (draft,
 * 3.1.3).
 */
export function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / MS_PER_SECOND))
}

/** Drops a value that does not parse, because it would invalidate the whole field (RFC 8941 4.2). */
function prepend(fields: FieldAccess, name: string, item: Item): void {
  fields.set(name, serializeList([item, ...(structuredList(fields.get(name)) ?? [])]))
}

function integers(values: Record<string, number>): Map<string, BareItem> {
  return new Map(Object.entries(values).map(([name, value]) => [name, Math.min(value, MAX_INTEGER)]))
}
