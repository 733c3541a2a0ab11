/** Forwards TCP connections and holds each byte back for half of the round-trip time, in both directions. */

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { answer } from '../harness/child.ts'

function forward(from: Socket, to: Socket, ms: number): void {
  // Timers of the same length fire in the order in which they were set.
  from.on('data', (chunk) => setTimeout(() => to.destroyed || to.write(chunk), ms))
  from.on('end', () => setTimeout(() => to.destroyed || to.end(), ms))
  from.on('error', () => to.destroy())
  from.on('close', () => setTimeout(() => to.destroy(), ms))
}

answer(({ host, port, roundTripMs }: { host: string; port: number; roundTripMs: number }) => {
  const server = createServer((client) => {
    const target = connect({ host, port, noDelay: true })
    client.setNoDelay(true)
    forward(client, target, roundTripMs / 2)
    forward(target, client, roundTripMs / 2)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
})
