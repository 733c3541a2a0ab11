import { now } from './clock.ts'

/**
 * True if awaiting a promise of another request is safe here. It is safe except in workerd without the compatibility
 * flag `handle_cross_request_promise_resolution` (the default from 2024-10-14 on). There, the code after the await
 * first runs in its own request. Once V8 has optimised it (after some 500 awaits, measured), it runs in the promise's
 * request. When that request ends, workerd cancels this code: "Promise will never complete".
 */
const isWokenByOthers = !isOlderWorkerd()

/** The pause between two polls of a promise that cannot be awaited. It grows, because slow work rarely ends soon. */
const FIRST_LOOK_MS = 4
const LAST_LOOK_MS = 64

/** About 25 days. A longer timer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Waits for a promise, which may belong to another request. Resolves to undefined if it takes longer than `ms`, or
 * longer than a timer can run. The timer belongs to the caller and never outlives it.
 */
export async function withDeadline<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  if (!isWokenByOthers) return pollPromise(ms, promise)
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

/**
 * Polls the promise, so that the caller continues only after its own timers. When the promise settles, it leaves a
 * note.
 */
async function pollPromise<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
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
