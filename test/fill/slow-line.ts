/**
 * A connection to an endpoint that can hold back an answer: the statement has run, but its client does not know yet.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cleanup } from '../setup/cleanup.ts'

export interface SlowLine {
  readonly endpoint: string
  /** Holds back the next answer until the promise resolves. The result resolves once there is an answer. */
  holdNext(until: Promise<void>): Promise<void>
}

export async function startSlowLine(target: string): Promise<SlowLine> {
  let holding: { readonly until: Promise<void>; begin(): void } | undefined
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { host: _host, connection: _connection, ...headers } = request.headers as Record<string, string>
    const answer = await fetch(target, { method: 'POST', headers, body: Buffer.concat(chunks) })
    const text = await answer.text()
    const held = holding
    holding = undefined
    held?.begin()
    await held?.until
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sql`,
    holdNext: (until) =>
      new Promise((begin) => {
        holding = { until, begin }
      }),
  }
}
