/** Ctrl-C that lets the work under way finish. */
import { EXIT } from './exit-codes.ts'

const PARENT_CHECK_MS = 500

/** Aborts at the first Ctrl-C, or when the process's manager ends it; the second ends the process at once. */
export function onInterrupt(): AbortSignal {
  return abortedBy(['SIGINT', 'SIGTERM'])
}

/** The same for a command that runs until it is stopped, or its terminal is closed. */
export function untilStopped(): AbortSignal {
  return abortedBy(['SIGINT', 'SIGTERM', 'SIGHUP'])
}

function abortedBy(signals: readonly NodeJS.Signals[]): AbortSignal {
  const controller = new AbortController()
  for (const name of signals) process.once(name, () => controller.abort(name))
  return controller.signal
}

/** Sets the exit code if Ctrl-C ended the command. SIGTERM leaves 0, because stopping such a command is not a failure. */
export function exitAfter(stopping: AbortSignal): void {
  if (stopping.aborted && stopping.reason === 'SIGINT') process.exitCode = EXIT.interrupted
}

/**
 * Aborts once npm has gone: it passes SIGTERM on to its shell only, and dies, so this process would stay behind. A process
 * that anything else started may well be meant to outlive its parent.
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
