/** Handles promises and abort signals that belong to the caller. */

const ignore = () => {}

/**
 * Ignores the rejection of a promise that nobody awaits. Node would end the process for it.
 *
 * Other thenables stay untouched, because calling `then` may start their work. For example, it runs a Drizzle query.
 */
export function ignoreRejection(value: unknown): void {
  try {
    // Most values are no thenables. The call below would throw for them, which takes 20 microseconds.
    if (!isThenable(value)) return
    // This also accepts promises of other realms, and throws for other thenables.
    Promise.prototype.then.call(value, undefined, ignore)
  } catch {}
}

/**
 * Returns the same callback, without the rejections of its promise. An error that it throws still reaches the caller.
 */
export function withoutRejection<T>(
  callback: ((argument: T) => unknown) | undefined,
): ((argument: T) => void) | undefined {
  return callback && ((argument) => ignoreRejection(callback(argument)))
}

/** True for promises, and for any other object that `await` would wait for, such as a Drizzle query. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

interface Waiting {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

const waitingFor = new WeakMap<AbortSignal, Waiting>()

/**
 * Calls back when the signal aborts. Each signal gets only one listener, however many calls share it, because Node
 * warns of a leak from the eleventh listener on.
 *
 * @returns a function that cancels this
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const waiting = waitingFor.get(signal) ?? startWaiting(signal)
  const { callbacks, listener } = waiting
  // Make a new function, because two calls may pass the same callback.
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
