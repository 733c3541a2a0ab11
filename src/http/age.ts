/** The age of a response (RFC 9111 4.2.3). */
import { deltaSeconds, listMembers, MAX_DELTA_SECONDS } from './fields.ts'
import { parseHttpDate } from './http-date.ts'
import type { TimedResponse } from './message.ts'
import { oncePer } from './once-per.ts'

const MS_PER_SECOND = 1_000

/** Returns the first member of the Age field in seconds, or undefined if it is invalid (RFC 9111 5.1). */
export function parseAge(value: string | null): number | undefined {
  return deltaSeconds(listMembers(value)[0] ?? '')
}

/** Returns when the response was generated: its Date, or else its receipt in whole seconds, as in a Date (RFC 9110 6.6.1). */
export const dateOf = oncePer(({ headers, responseAt }: TimedResponse): number => {
  return parseHttpDate(headers.get('date'), responseAt) ?? Math.floor(responseAt / MS_PER_SECOND) * MS_PER_SECOND
})

/** Returns corrected_initial_age in milliseconds: the larger of both estimates, which is the careful choice. */
export const initialAgeMs = oncePer((response: TimedResponse): number => {
  // Round down, because a Date has no fractions: a response generated just now would seem up to a second old.
  const apparentSeconds = Math.floor((response.responseAt - dateOf(response)) / MS_PER_SECOND)
  const delay = Math.max(0, response.responseAt - response.requestAt)
  const corrected = (parseAge(response.headers.get('age')) ?? 0) * MS_PER_SECOND + delay
  return Math.max(apparentSeconds * MS_PER_SECOND, corrected)
})

/** Returns current_age in milliseconds. */
export function currentAgeMs(response: TimedResponse, now: number): number {
  // Never negative: another machine may have stored the response, by a clock that is ahead of this one.
  return initialAgeMs(response) + Math.max(0, now - response.responseAt)
}

/** Returns the Age that a response served from the cache must carry (RFC 9111 4 and 5.1). */
export function ageValue(response: TimedResponse, now: number): string {
  return String(Math.min(Math.floor(currentAgeMs(response, now) / MS_PER_SECOND), MAX_DELTA_SECONDS))
}
