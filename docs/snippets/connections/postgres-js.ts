import { connect } from 'node:net'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'

/** @param silenceMs closes a socket over which nothing has passed for so long; more than the slowest statement takes */
export function openDatabase(url: string, silenceMs = 60_000) {
  // In a variable, because the types of postgres-js lack `socket`.
  const options = {
    connect_timeout: 5,
    // Not asynchronous: postgres-js never replaces a connection if this function fails.
    socket({ host: [host], port: [port] }: { host: string[]; port: number[] }) {
      const socket = connect({ host, port: port ?? 5432, keepAlive: true })
      socket.setTimeout(silenceMs, () => socket.destroy())
      // The name for TLS.
      return Object.assign(socket, { host })
    },
  }
  return drizzle({ client: postgres(url, options) })
}
