/** Ctrl-C that lets what is under way come to its end. */

/** Aborts at the first Ctrl-C, or when the process's manager ends it; the second ends the process at once. */
export function onInterrupt(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  return controller.signal
}
