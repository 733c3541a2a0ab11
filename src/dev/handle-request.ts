/** Serves one HTTP request: checks it, passes it to the interceptor, runs it and writes the answer. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import type { Fault, InterceptedRequest, Interceptor } from '../testing/faults.ts'
import { Answer } from './answer.ts'
import type { Backend, Work } from './backend.ts'
import { errorBody, errorToAnswer } from './error-json.ts'
import { type Credentials, pathOf, type Refusal, refuseCredentials, refuseRoute } from './guard.ts'
import { type RequestHeaders, readHeaders, readWork } from './payload.ts'
import { BodyTooLargeError, readBody } from './read-body.ts'

const HELP = 'This is a local Neon endpoint of pgstash: point neonConfig.fetchEndpoint at POST /sql.\n'

export interface RequestContext {
  readonly backend: Backend
  readonly credentials: Credentials
  readonly interceptor: Interceptor
  /** Aborts when the client disconnects or the server closes. */
  readonly signal: AbortSignal
}

interface Reply {
  readonly status: number
  readonly body: string
  readonly headers?: Record<string, string>
}

/** Never rejects. Every failure becomes an answer, or no answer if the client has disconnected. */
export async function handleRequest(req: IncomingMessage, res: ServerResponse, context: RequestContext): Promise<void> {
  if (req.method === 'GET' && pathOf(req) === '/' && refuseRoute(req)?.status === 404) {
    send(res, { status: 200, body: HELP, headers: { 'content-type': 'text/plain; charset=utf-8' } })
    return
  }
  try {
    const refusal = refuseRoute(req) ?? refuseCredentials(req.headers['neon-connection-string'], context.credentials)
    if (refusal) return refuse(req, res, refusal)
    const headers = readHeaders(req.headers)
    const { text, bytes } = await readBody(req)
    await serve(res, { work: readWork(text, headers), headers, bytes }, context)
  } catch (error) {
    req.resume()
    const isTooLarge = error instanceof BodyTooLargeError
    send(
      res,
      isTooLarge
        ? { status: 413, body: errorBody({ message: error.message }), headers: { connection: 'close' } }
        : errorToAnswer(error),
    )
  }
}

function refuse(req: IncomingMessage, res: ServerResponse, { status, message, code, headers }: Refusal): void {
  req.resume()
  const severity = code === undefined ? undefined : 'FATAL'
  send(res, { status, body: errorBody({ message, code, severity }), headers: { ...headers, connection: 'close' } })
}

interface Parsed {
  readonly work: Work
  readonly headers: RequestHeaders
  readonly bytes: number
}

async function serve(res: ServerResponse, parsed: Parsed, context: RequestContext): Promise<void> {
  const { interceptor, signal } = context
  const startedAt = performance.now()
  const request: InterceptedRequest = {
    sql: parsed.work.statements.map(({ sql }) => sql),
    bytes: parsed.bytes,
    signal,
  }
  let sent = { status: 0, bytes: 0 }
  try {
    const fault = (await interceptor.onRequest?.(request)) ?? undefined
    sent = await applyFault(res, fault, () => run(parsed, context), signal)
  } finally {
    interceptor.onResponse?.({ request, ...sent, durationMs: performance.now() - startedAt })
  }
}

type Sent = { status: number; bytes: number }
const NOTHING_SENT: Sent = { status: 0, bytes: 0 }

async function applyFault(
  res: ServerResponse,
  fault: Fault | undefined,
  execute: () => Promise<Reply>,
  signal: AbortSignal,
): Promise<Sent> {
  switch (fault?.kind) {
    case undefined:
      return send(res, await execute())
    case 'delay':
      await wait(fault.ms, undefined, { signal }).catch(() => undefined)
      return signal.aborted ? NOTHING_SENT : send(res, await execute())
    case 'error':
      return send(res, { status: fault.status, body: faultBody(fault.body) })
    case 'hang':
      await aborted(signal)
      return NOTHING_SENT
    case 'lose':
      await execute()
      cut(res)
      return NOTHING_SENT
    case 'reset':
      cut(res)
      return NOTHING_SENT
    case 'truncate':
      return sendPart(res, await execute(), fault.bytes)
  }
}

async function run({ work, headers }: Parsed, { backend, signal }: RequestContext): Promise<Reply> {
  const isBatch = work.begin !== undefined
  const answer = new Answer({ rawText: headers.rawText, isBatch })
  try {
    await backend.run(work, answer, signal)
    return { status: 200, body: answer.text(), headers: isBatch ? headers.echo : {} }
  } catch (error) {
    return errorToAnswer(error)
  }
}

function send(res: ServerResponse, reply: Reply): Sent {
  if (res.destroyed || res.headersSent) return NOTHING_SENT
  const body = Buffer.from(reply.body)
  writeHead(res, reply, body)
  res.end(body)
  return { status: reply.status, bytes: body.length }
}

/** Announces the whole body but sends only its start, so that the client sees the connection end too early. */
function sendPart(res: ServerResponse, reply: Reply, bytes: number): Sent {
  if (res.destroyed) return NOTHING_SENT
  const body = Buffer.from(reply.body)
  // Never sends the whole body, because that would not be a fault.
  const part = body.subarray(0, Math.max(0, Math.min(bytes, body.length - 1)))
  writeHead(res, reply, body)
  res.flushHeaders()
  res.write(part, () => res.socket?.destroySoon())
  return { status: reply.status, bytes: part.length }
}

function writeHead(res: ServerResponse, reply: Reply, body: Buffer): void {
  res.writeHead(reply.status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...reply.headers,
  })
}

function cut(res: ServerResponse): void {
  res.socket?.resetAndDestroy()
}

function faultBody(body: unknown): string {
  if (body === undefined) return errorBody({ message: 'injected fault' })
  return typeof body === 'string' ? body : JSON.stringify(body)
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
