import type { IncomingMessage } from 'node:http'
import { BadRequestError, MAX_REQUEST_BYTES } from './payload.ts'

/** The body exceeds Neon's limit. */
export class BodyTooLargeError extends Error {
  constructor() {
    super(`request is too large (max is ${MAX_REQUEST_BYTES} bytes)`)
  }
}

/** Reads a body up to the limit. Reads and drops the rest of a larger body, so that the client gets its answer. */
export async function readBody(request: IncomingMessage): Promise<{ text: string; bytes: number }> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_REQUEST_BYTES) {
    request.resume()
    throw new BodyTooLargeError()
  }
  const chunks: Buffer[] = []
  let bytes = 0
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= MAX_REQUEST_BYTES) chunks.push(chunk)
      else reject(new BodyTooLargeError())
    })
    request.on('end', resolve)
    request.on('error', () => reject(new BadRequestError('could not read the HTTP request body')))
    request.on('close', () => reject(new BadRequestError('could not read the HTTP request body')))
  })
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks)), bytes }
  } catch {
    throw new BadRequestError('could not parse the HTTP request body: expected UTF-8')
  }
}
