/** Real servers on Node, and clients that see the bytes of a response. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { serve } from '@hono/node-server'
import { serve as serveWithSrvx } from 'srvx'
import { cleanup } from '../setup/cleanup.ts'

type Fetch = (request: Request, env?: unknown) => Response | Promise<Response>

/**
 * Each starts a server, and returns its URL. The last one replaces the classes `Request` and `Response` of the whole
 * program, so it comes after those that must work without that.
 */
export const SERVERS: readonly [string, (fetch: Fetch) => Promise<URL>][] = [
  ['node:http', startNodeHttp],
  ['srvx', startSrvx],
  ['@hono/node-server without its global objects', (fetch) => startNodeServer(fetch, false)],
  ['@hono/node-server', (fetch) => startNodeServer(fetch)],
]

export async function startNodeServer(fetch: Fetch, overrideGlobalObjects = true): Promise<URL> {
  const server = serve({ fetch, port: 0, hostname: '127.0.0.1', overrideGlobalObjects })
  cleanup(() => new Promise((resolve) => server.close(resolve)))
  await new Promise<void>((resolve) => (server.listening ? resolve() : server.once('listening', () => resolve())))
  return urlOf(server.address())
}

async function startSrvx(fetch: Fetch): Promise<URL> {
  const server = serveWithSrvx({ fetch, port: 0, hostname: '127.0.0.1', silent: true })
  cleanup(() => server.close(true))
  await server.ready()
  return new URL(server.url ?? '')
}

/** A typical handwritten adapter. */
async function startNodeHttp(fetch: Fetch): Promise<URL> {
  const server = createServer(async (incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming
    const body = method === 'GET' || method === 'HEAD' ? null : await bytesOf(incoming)
    const { host = 'localhost' } = headers
    const response = await fetch(
      new Request(new URL(url, `http://${host}`), { method, headers: pairsOf(incoming.rawHeaders), body }),
    )
    outgoing.writeHead(response.status, [...response.headers].flat())
    for await (const chunk of response.body ?? []) outgoing.write(chunk)
    outgoing.end()
  })
  cleanup(() => new Promise((resolve) => server.close(resolve)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return urlOf(server.address())
}

function urlOf(address: AddressInfo | string | null): URL {
  return new URL(`http://127.0.0.1:${(address as AddressInfo).port}`)
}

function pairsOf(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? '']] : []))
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The bytes on the wire, still encoded. */
  readonly bytes: Buffer
}

/** Sends a request with exactly these headers, and decodes nothing. */
export function ask(base: URL, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, base), { method, headers, agent: false }, (incoming) => {
      const { statusCode: status = 0, headers: received } = incoming
      bytesOf(incoming).then((bytes) => resolve({ status, headers: received, bytes }), reject)
    })
    sent.on('error', reject).end()
  })
}

/** Sends a request, and disconnects at the first byte of the body. */
export function leave(base: URL, path: string, headers: Record<string, string> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, base), { headers, agent: false }, (incoming) => {
      incoming.once('data', () => {
        incoming.destroy()
        resolve()
      })
    })
    sent.on('error', reject).end()
  })
}

/**
 * Sends text unchanged through a socket. Returns the answer until the server closes the socket, or until a text
 * arrives.
 */
export function exchange(base: URL, text: string, { until }: { readonly until?: string } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(base.port), base.hostname, () => socket.write(text))
    let received = ''
    socket.setEncoding('latin1').on('data', (chunk) => {
      received += chunk
      if (until !== undefined && received.includes(until)) socket.destroy()
    })
    socket.on('close', () => resolve(received)).on('error', reject)
  })
}

async function bytesOf(stream: IncomingMessage | AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
