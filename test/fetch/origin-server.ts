/** An origin on Node, from which a Worker fetches. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { cleanup } from '../setup/cleanup.ts'
import { createGate } from '../setup/gate.ts'

export const TEXT = 'Hello '.repeat(200)

/** More than `maxBodyBytes`. */
export const LARGE_BYTES = 9 * 1024 * 1024

/** In other bytes than workerd would produce from the same text. */
const GZIPPED = gzipSync(TEXT, { level: 1 })

export const BODIES: Readonly<Record<string, Buffer>> = {
  text: Buffer.from(TEXT),
  gzip: GZIPPED,
  br: brotliCompressSync(TEXT),
  deflate: deflateSync(TEXT),
  bytes: Buffer.from('some bytes'),
  empty: Buffer.alloc(0),
}

/** For the bindings of a Worker. */
export const BODIES_IN_BASE64 = Object.fromEntries(
  Object.entries(BODIES).map(([name, bytes]) => [name, bytes.toString('base64')]),
)

/** Returns its URL, and how often each path was requested. */
export async function startOrigin() {
  const asked = new Map<string, number>()
  const together = createGate()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.set(path, (asked.get(path) ?? 0) + 1)
    // The second to the fifth request are answered once all of them have arrived.
    if (asked.get('/br/together') === 5) together.open()
    const isAlone = path !== '/br/together' || asked.get(path) === 1
    void (isAlone ? Promise.resolve() : together.opened).then(() => answer(request, response))
  })
  cleanup(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/**
 * `/gzip`, `/br` and `/text` are complete, and `/text/slow` pauses. `/gzip/cut` breaks off, and `/gzip/short` ends
 * early with the right length. `/text/large` is larger than the storage limit.
 */
function answer({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
  const [, coding = '', kind] = url.split('/')
  const bytes = kind === 'large' ? Buffer.alloc(LARGE_BYTES) : (BODIES[coding] ?? GZIPPED)
  const fields = { 'cache-control': 'max-age=60', etag: '"1"', 'content-digest': 'sha-256=:AAAA:' }
  if (headers['if-none-match'] === '"1"') {
    response.writeHead(304, fields).end()
    return
  }
  const sent = kind === 'short' ? bytes.subarray(0, 20) : bytes
  response.writeHead(200, {
    ...fields,
    ...(coding === 'text' ? {} : { 'content-encoding': coding }),
    ...(kind === 'chunked' || kind === 'large' ? {} : { 'content-length': sent.length }),
  })
  if (kind !== 'cut' && kind !== 'slow') {
    response.end(sent)
    return
  }
  response.write(bytes.subarray(0, 15))
  if (kind === 'cut') setTimeout(() => response.destroy(), 20)
  else setTimeout(() => response.end(bytes.subarray(15)), 300)
}
