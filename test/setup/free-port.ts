import { createServer } from 'node:net'

/** Below the range from which systems choose free ports, so that no other program gets the port before it is used. */
const LOWEST = 12_000
const HIGHEST = 31_999

/** Two workers run tests at the same time. One uses odd ports, and the other uses even ports. */
const WORKERS = 2

const returned = new Set<number>()

/** A port of 127.0.0.1 on which nothing listens. Each call returns another port, because a caller may use its port much later. */
export async function freePort(): Promise<number> {
  const worker = Number(process.env.VITEST_POOL_ID ?? 0) % WORKERS
  for (;;) {
    const port = LOWEST + WORKERS * Math.floor((Math.random() * (HIGHEST - LOWEST + 1)) / WORKERS) + worker
    if (returned.has(port)) continue
    returned.add(port)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' || error.code === 'EACCES' ? resolve(false) : reject(error),
    )
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
