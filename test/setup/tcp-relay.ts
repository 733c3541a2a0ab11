/** Passes bytes on to Postgres, until the network forgets its connections. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { cleanup } from './cleanup.ts'

export interface TcpRelay {
  /** The URL of the database through the relay. */
  readonly url: string
  /** From now on, open connections stay open but pass nothing. New connections work. */
  forgetConnections(): void
  /** The same, but only on the way from the server. */
  muteServer(): void
  /** Ends the connections of the server, and tells no client. */
  loseServer(): void
  /** Closes all connections on both sides. */
  cutConnections(): void
  /** Ends the connections of all clients, and tells the server only that. */
  loseClients(): void
  /** If true, new connections get no answer. */
  isDeaf: boolean
  /** The connections that are open on the side of the client. */
  readonly open: number
}

export async function startTcpRelay(database: string): Promise<TcpRelay> {
  const { hostname, port } = new URL(database)
  /** Clients, and the server's end of each. */
  const sockets = new Map<Socket, Socket>()
  let isDeaf = false
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    sockets.set(client, upstream)
    client.on('close', () => sockets.delete(client))
    if (isDeaf) {
      upstream.destroy()
      client.resume()
      return
    }
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
    for (const socket of sockets.keys()) socket.destroy()
    server.close()
  })
  const url = new URL(database)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    forgetConnections() {
      for (const [client, upstream] of sockets) {
        client.unpipe()
        upstream.unpipe()
        // Still reads, so that the relay notices when the client closes it.
        client.resume()
      }
    },
    muteServer() {
      for (const upstream of sockets.values()) {
        upstream.unpipe()
        upstream.resume()
      }
    },
    loseServer() {
      for (const [client, upstream] of sockets) {
        client.unpipe()
        upstream.unpipe()
        upstream.destroy()
        client.resume()
      }
    },
    cutConnections() {
      for (const [client, upstream] of sockets) {
        client.destroy()
        upstream.destroy()
      }
    },
    loseClients() {
      for (const [client, upstream] of sockets) {
        client.destroy()
        upstream.end()
      }
    },
    get isDeaf() {
      return isDeaf
    },
    set isDeaf(wanted) {
      isDeaf = wanted
    },
    get open() {
      return sockets.size
    },
  }
}
