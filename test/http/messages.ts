/** Messages for the tests, at an instant without fractions of a second. */
import type { RequestHead, TimedResponse } from '../../src/http/message.ts'

export const NOW = Date.UTC(2026, 0, 15, 12)
export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

type Fields = Record<string, string> | [string, string][]

export function get(fields: Fields = {}): RequestHead {
  return { method: 'GET', headers: new Headers(fields) }
}

/** A 200 that was received at `NOW` without delay. */
export function response(fields: Fields, more: Partial<Omit<TimedResponse, 'headers'>> = {}): TimedResponse {
  return { status: 200, requestAt: NOW, responseAt: NOW, ...more, headers: new Headers(fields) }
}

/** The HTTP date that is this many milliseconds after `NOW`. */
export function date(offsetMs: number): string {
  return new Date(NOW + offsetMs).toUTCString()
}
