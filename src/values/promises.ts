/** Handles promises and abort signals that belong to the caller. */

const ignore = () => {}

/**
 * Keeps a promise from ending the process if it rejects and nobody awaits it. Node ends a process for that.
 *
 * Other thenables stay untouched, because calling `then` may start their work: Drizzle's queries run only then.
 */
export function ignoreRejection(value: unknown): void {
  // Callbacks usually return nothing. The call below would throw for that, which takes microseconds.
  if (typeof value !== 'object' || value === null) return
  try {
    // Takes promises of other realms too, and throws for other objects.
    Promise.prototype.then.call(value, undefined, ignore)
  } catch {}
}

/** The same callback, whose promise may reject without anybody awaiting it. What it throws at once still reaches the caller. */
export function withoutRejection<T>(
  callback: ((argument: T) => unknown) | undefined,
): ((argument: T) => void) | undefined {
  return callback && ((argument) => ignoreRejection(callback(argument)))
}

/** True for promises and for all else that `await` would wait for, such as a Drizzle query. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

interface Waiting {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

const waitingFor = new WeakMap<AbortSignal, Waiting>()

/**
 * Calls back once the signal aborts. Each signal gets one listener, however many calls share it: Node warns of a leak from
 * the eleventh on.
 *
 * @returns a function that stops this
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const waiting = waitingFor.get(signal) ?? startWaiting(signal)
  const { callbacks, listener } = waiting
  // A function of its own, because two calls may pass the same callback.
  const own = () => callback()
  callbacks.add(own)
  return () => {
    callbacks.delete(own)
    if (callbacks.size > 0 || waitingFor.get(signal) !== waiting) return
    waitingFor.delete(signal)
    signal.removeEventListener('abort', listener)
  }
}

function startWaiting(signal: AbortSignal): Waiting {
  const callbacks = new Set<() => void>()
  const listener = () => {
    waitingFor.delete(signal)
    for (const callback of callbacks) callback()
  }
  const waiting = { callbacks, listener }
  waitingFor.set(signal, waiting)
  signal.addEventListener('abort', listener, { once: true })
  return waiting
}
