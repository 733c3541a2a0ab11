import { createServer } from 'node:net'
import { StartError } from './start-error.mjs'

/** Fails before Postgres takes some seconds to start. */
export function requireFreePort(port) {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`
      reject(new StartError(`Port ${port} ${why}: choose another with --port or PORT.`))
    })
    probe.listen(port, '127.0.0.1', () => probe.close(resolve))
  })
}
