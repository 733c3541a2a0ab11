/** The origin of the handlers under test. It counts their calls, and can hold its answers back. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cleanup } from '../setup/cleanup.ts'
import { createGate } from '../setup/gate.ts'

export interface Origin {
  readonly url: string
  /** The headers of the calls to a path since the last reset, in their order. */
  calls(path: string): IncomingHttpHeaders[]
  /** Holds all answers back until the returned function is called. */
  hold(): () => void
  /** Forgets the calls, and sends the answers that it held back. */
  reset(): void
}

/** Answers every call with a unique text. */
export async function startOrigin(): Promise<Origin> {
  const calls: { path: string | undefined; headers: IncomingHttpHeaders }[] = []
  let gate = createGate()
  gate.open()
  const server = createServer(async ({ url, headers }, response) => {
    calls.push({ path: url, headers })
    await gate.opened
    response.end(crypto.randomUUID())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => {
    gate.open()
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: (path) => calls.filter((call) => call.path === path).map(({ headers }) => headers),
    hold() {
      gate = createGate()
      return gate.open
    },
    reset() {
      gate.open()
      calls.length = 0
    },
  }
}
