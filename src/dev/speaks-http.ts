/** Tells a local Neon from a Postgres server: both may listen at a loopback address, and a URL does not say which. */

import { connect } from 'node:net'
import { loopbackAddress } from '../local-neon/loopback.ts'

/** Postgres answers `S` or `N`, and does not log it. An HTTP server answers with its status line: 400. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
/** Both answer at once. A server that says nothing is neither. */
const TIMEOUT_MS = 2_000

/** True if an HTTP server listens at this loopback host; false for other hosts, which are not asked. */
export function speaksHttp(host: string, port: number): Promise<boolean> {
  const address = loopbackAddress(host)?.replace(/^\[|\]$/g, '')
  if (address === undefined) return Promise.resolve(false)
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: TIMEOUT_MS }, () => socket.write(SSL_REQUEST))
    const answer = (isHttp: boolean) => {
      socket.destroy()
      resolve(isHttp)
    }
    socket.once('data', (chunk) => answer(chunk.toString('latin1').startsWith('HTTP')))
    for (const event of ['timeout', 'error', 'close'] as const) socket.once(event, () => answer(false))
  })
}
