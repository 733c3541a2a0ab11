/** Passes bytes on to Postgres and back, as Neon's WebSocket proxy does. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { cleanup } from './cleanup.ts'

/** @returns host, port and path, as `neonConfig.wsProxy` wants it */
export async function startRelay(database: string): Promise<string> {
  const { hostname, port } = new URL(database)
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', (webSocket) => {
    const [stream, socket] = [createWebSocketStream(webSocket), connect(Number(port), hostname)]
    for (const [one, other] of [
      [stream, socket],
      [socket, stream],
    ] as const) {
      one.pipe(other)
      one.on('error', () => other.destroy())
    }
  })
  await once(server, 'listening')
  cleanup(() => {
    for (const webSocket of server.clients) webSocket.terminate()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}/v2`
}
