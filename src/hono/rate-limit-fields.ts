/**
 * The fields RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-11), as pure functions: which quotas there
 * are, and what is left of them.
 *
 * The parameters `qu` (requests, its default) and `pk` are left out: a partition key would tell the client, and whoever
 * reads its logs, what it is counted by.
 */
import { type BareItem, type Item, serializeList } from 'structured-headers'
import { structuredList } from '../http/structured-fields.ts'

const MS_PER_SECOND = 1_000
/** What a structured Integer can hold (RFC 8941 3.3.1). */
const MAX_INTEGER = 999_999_999_999_999

/** A limit as one request met it. */
export interface Usage {
  readonly name: string
  readonly limit: number
  readonly periodMs: number
  readonly remaining: number
  readonly resetMs: number
}

/** As far as `Headers` and a Hono context have it in common. */
export interface FieldAccess {
  get(name: string): string | null
  set(name: string, value: string): void
}

/** Adds a limit to the fields, before those of the limits that the request met after it. */
export function addRateLimitFields(fields: FieldAccess, { name, limit, periodMs, remaining, resetMs }: Usage): void {
  prepend(fields, 'RateLimit-Policy', [name, integers({ q: limit, w: seconds(periodMs) })])
  prepend(fields, 'RateLimit', [name, integers({ r: remaining, t: seconds(resetMs) })])
}

/**
 * Whole seconds, rounded up: whoever waits so long waited long enough (RFC 9110 10.2.3).
 *
 * At least one: a window that has just ended is no reason to ask again at once, and `w` must not be zero (draft, 3.1.3).
 */
export function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / MS_PER_SECOND))
}

/** A value that does not parse is dropped, for it would hide this one (RFC 8941 4.2). */
function prepend(fields: FieldAccess, name: string, item: Item): void {
  fields.set(name, serializeList([item, ...(structuredList(fields.get(name)) ?? [])]))
}

function integers(values: Record<string, number>): Map<string, BareItem> {
  return new Map(Object.entries(values).map(([name, value]) => [name, Math.min(value, MAX_INTEGER)]))
}
