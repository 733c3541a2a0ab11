/** Longer than a normal stop takes. */
const GRACE_MS = 10_000
const PARENT_CHECK_MS = 500

/**
 * Stops everything at Ctrl-C, SIGTERM, SIGHUP, or if npm is gone. A second signal stops at once.
 *
 * @param {(() => Promise<void>)[]} parts the functions that stop the parts. They run in reverse order.
 * @returns {AbortSignal} aborted as soon as the stop begins
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

// npm passes SIGTERM on to its shell only, and dies. This process would stay behind. If another program started it, it may be
// meant to outlive its parent.
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
