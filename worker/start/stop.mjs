/** Longer than closing takes, shorter than a person's patience. */
const GRACE_MS = 4_000
const PARENT_CHECK_MS = 500

/**
 * Ends everything when asked to: by Ctrl-C, by SIGTERM or SIGHUP, or because npm has gone. The second time at once.
 *
 * @param {(() => Promise<void>)[]} parts what ends each part; ended in reverse
 * @returns {AbortSignal} aborted as soon as the end has begun
 */
export function onStopSignal(parts) {
  const controller = new AbortController()
  async function stop() {
    if (controller.signal.aborted) process.exit(1)
    controller.abort()
    setTimeout(() => process.exit(1), GRACE_MS).unref()
    for (const end of parts.toReversed()) await end().catch(() => {})
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop)
  stopWithParent(stop)
  return controller.signal
}

// npm passes SIGTERM on to its shell only, and dies: this process would stay behind. Started by anything else, it may well
// be meant to outlive its parent.
function stopWithParent(stop) {
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    stop()
  }, PARENT_CHECK_MS)
  timer.unref()
}
