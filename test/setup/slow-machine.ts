/**
 * With `TEST_SLOW_MACHINE=1`, tests run as on a busy machine. The process stands still now and then, and requests and answers are
 * delayed. A greater number multiplies the delays. A test that fails then relies on speed.
 */
const { setInterval, setTimeout, fetch } = globalThis
const factor = Number(process.env.TEST_SLOW_MACHINE ?? 0)

if (factor > 0) {
  const nothing = new Int32Array(new SharedArrayBuffer(4))
  setInterval(() => Atomics.wait(nothing, 0, 0, stretch(120)), 40).unref()

  globalThis.fetch = async (...request) => {
    await pause(stretch(80))
    const response = await fetch(...request)
    await pause(stretch(80))
    return response
  }
}

/** Delays are mostly short, and sometimes long. */
function stretch(longestMs: number): number {
  return Math.random() ** 4 * longestMs * factor
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
