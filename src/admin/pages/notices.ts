/** What was done, as a page says it after a redirect: words of ours, as the URL could be anybody's. */
import { count } from '../format.ts'

const NOTICES: Readonly<Record<string, (n: string) => string>> = {
  moved: () => 'The deadline was moved.',
  absent: () => 'Nothing was changed: the entry is not live any more.',
  deleted: () => 'The entry was deleted.',
  removed: (n) => `${n} entries were deleted.`,
  invalidated: () =>
    'The tag was invalidated: entries that have it read as absent from now on, and cleanup removes them.',
  cleaned: (n) => `Cleanup removed ${n} entries.`,
}

const NUMBER = /^\d{1,12}$/

export function noticeOf(done: string | undefined, n = '0'): string | undefined {
  if (done === undefined || !Object.hasOwn(NOTICES, done) || !NUMBER.test(n)) return undefined
  return NOTICES[done]?.(count(Number(n)))
}
