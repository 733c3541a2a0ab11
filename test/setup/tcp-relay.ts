/** Passes bytes on to Postgres, until the network forgets its connections. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { cleanup } from './cleanup.ts'

export interface TcpRelay {
  /** The URL of the database through the relay. */
  readonly url: string
  /** From now on, what is open stays open, and nothing passes. New connections work. */
  forgetConnections(): void
  /** The connections that are open on the side of the client. */
  readonly open: number
}

export async function startTcpRelay(database: string): Promise<TcpRelay> {
  const { hostname, port } = new URL(database)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    sockets.add(client)
    client.on('close', () => sockets.delete(client))
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.pipe(other)
      one.on('error', () => other.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const url = new URL(database)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    forgetConnections() {
      for (const socket of sockets) {
        socket.unpipe()
        // Still reads, so that the relay notices when the client closes it.
        socket.resume()
      }
    },
    get open() {
      return sockets.size
    },
  }
}
