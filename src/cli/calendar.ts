/** Parses instants strictly. `new Date` reads February 30 as March 2, and Postgres has no year 0. */

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/i

/**
 * Reads an ISO 8601 date, with or without a time. A date is midnight in UTC. A time without a zone is local, as in
 * JavaScript.
 *
 * Returns undefined for other text, and for dates and times that do not exist.
 */
export function parseInstant(text: string): Date | undefined {
  const [, year, month, day, hour, minute, , zone] = INSTANT.exec(text) ?? []
  if (year === undefined || Number(year) === 0 || Number(day) > daysIn(Number(year), Number(month))) return undefined
  const date = new Date(text.replace(' ', 'T').replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))
  if (Number.isNaN(date.getTime())) return undefined
  // A local time in the hour that clocks skip in spring does not exist. `new Date` moves it by one hour.
  const isLocal = hour !== undefined && zone === undefined && hour !== '24'
  if (isLocal && (date.getHours() !== Number(hour) || date.getMinutes() !== Number(minute))) return undefined
  return date
}

/** Returns 0 for a month that does not exist. */
function daysIn(year: number, month: number): number {
  if (month < 1 || month > 12) return 0
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}
