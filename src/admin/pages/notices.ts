/**
 * The result of a change, as the page after the redirect shows it. The URL only names one of these texts, because
 * anybody could write the URL.
 */
import { formatCount } from '../format.ts'

const NOTICES: Readonly<Record<string, (n: number) => string>> = {
  moved: () => 'The deadline was changed.',
  absent: () => 'Nothing was changed, because the entry is no longer live.',
  deleted: () => 'The entry was deleted.',
  removed: (n) => `${formatCount(n, 'entry was', 'entries were')} deleted.`,
  invalidated: () =>
    'The tag was invalidated. Entries with this tag are misses now, and the next cleanup deletes them.',
  cleaned: (n) => `Cleanup deleted ${formatCount(n, 'entry', 'entries')}.`,
}

const NUMBER = /^\d{1,12}$/

export function noticeOf(done: string | undefined, n = '0'): string | undefined {
  if (done === undefined || !Object.hasOwn(NOTICES, done) || !NUMBER.test(n)) return undefined
  return NOTICES[done]?.(Number(n))
}
