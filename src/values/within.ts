import { now } from './clock.ts'

/**
 * Whether awaiting another request's promise is safe here: it is everywhere but in workerd before its compatibility flag
 * `handle_cross_request_promise_resolution` (the default from 2024-10-14 on). There such an await goes on in its own
 * request at first, but once V8 has optimised it (some 500 awaits later, measured) in that of the promise, and with that
 * request what it asks for next is cancelled: "Promise will never complete".
 */
const isWokenByOthers = !isOlderWorkerd()

/** Between two looks where a promise cannot be awaited: longer each time, as what has taken long takes long. */
const FIRST_LOOK_MS = 4
const LAST_LOOK_MS = 64

/** Some 25 days: timers of more end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * What the promise settles to, or undefined when it takes longer, or longer than a timer can be; the promise may be another
 * request's. The timer is the caller's own, and never outlives it.
 */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  if (!isWokenByOthers) return lookingAt(ms, promise)
  let timer: ReturnType<typeof setTimeout> | undefined
  const patience = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.min(ms, MAX_TIMER_MS))
  })
  try {
    return await Promise.race([promise, patience])
  } finally {
    clearTimeout(timer)
  }
}

/** The same, going on after timers of the caller's own only: whoever settles the promise leaves no more than a note. */
async function lookingAt<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const notes: ({ value: T } | { error: unknown })[] = []
  promise.then(
    (value) => notes.push({ value }),
    (error: unknown) => notes.push({ error }),
  )
  const end = now() + ms
  for (let lookMs = FIRST_LOOK_MS; notes.length === 0 && now() < end; lookMs = Math.min(LAST_LOOK_MS, lookMs * 2)) {
    const pauseMs = Math.min(lookMs, end - now())
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  const [note] = notes
  if (note !== undefined && 'error' in note) throw note.error
  return note?.value
}

function isOlderWorkerd(): boolean {
  const flags: unknown = Reflect.get(Object(Reflect.get(globalThis, 'Cloudflare')), 'compatibilityFlags')
  return Reflect.get(Object(flags), 'handle_cross_request_promise_resolution') === false
}
