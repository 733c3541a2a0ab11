/** Turns Ctrl-C into a signal, so that work in progress can finish. */
import { EXIT } from './exit-codes.ts'

const PARENT_CHECK_MS = 500

/**
 * Aborts at the first Ctrl-C, or when a process manager stops the command. A second Ctrl-C ends the process at once.
 */
export function onInterrupt(): AbortSignal {
  return abortOn(['SIGINT', 'SIGTERM'])
}

/** Like `onInterrupt`, for a command that runs until it is stopped or its terminal is closed. */
export function untilStopped(): AbortSignal {
  return abortOn(['SIGINT', 'SIGTERM', 'SIGHUP'])
}

function abortOn(signals: readonly NodeJS.Signals[]): AbortSignal {
  const controller = new AbortController()
  for (const name of signals) process.once(name, () => controller.abort(name))
  return controller.signal
}

/**
 * Sets the exit code if Ctrl-C ended the command. After SIGTERM it stays 0: stopping such a command is not a failure.
 */
export function exitAfter(stopping: AbortSignal): void {
  if (stopping.aborted && stopping.reason === 'SIGINT') process.exitCode = EXIT.interrupted
}

/**
 * Aborts once npm has ended. npm passes SIGTERM only to its shell and exits, so this process would be left behind.
 * Anything but npm may start a process that is meant to outlive its parent, so this watches npm only.
 */
export function whenNpmEnds(): AbortSignal {
  const controller = new AbortController()
  if (process.env.npm_lifecycle_event === undefined) return controller.signal
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    controller.abort()
  }, PARENT_CHECK_MS)
  timer.unref()
  return controller.signal
}
