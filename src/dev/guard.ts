/**
 * Admits programs on this machine that know the endpoint's password, and no web page.
 *
 * A page could use its own host name that resolves to 127.0.0.1 (DNS rebinding), so the Host header must name this
 * machine. A browser always sends Origin with a cross-origin POST, while drivers do not.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BadRequestError } from './payload.ts'

const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i

export interface Credentials {
  readonly user: string
  readonly password: string
  readonly database: string
}

/** An answer that is sent before the body is read. */
export interface Refusal {
  readonly status: number
  readonly message: string
  readonly code?: string
  readonly headers?: Record<string, string>
}

/** Checks the origin, path and method of a request. */
export function refuseRoute(request: IncomingMessage): Refusal | undefined {
  const { host, origin } = request.headers
  if (host === undefined || !LOCAL_HOST.test(host)) {
    return { status: 403, message: 'Expected the Host header to name this machine: localhost, 127.0.0.1 or [::1].' }
  }
  if (origin !== undefined && !isLocalOrigin(origin)) {
    return { status: 403, message: 'Expected no Origin header of another host: web pages may not use this endpoint.' }
  }
  if (pathOf(request) !== '/sql') return { status: 404, message: 'Expected POST /sql.' }
  if (request.method === 'POST') return undefined
  return { status: 405, message: 'Expected POST /sql.', headers: { allow: 'POST' } }
}

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? ''
}

function isLocalOrigin(origin: string): boolean {
  const match = /^https?:\/\/(.*)$/i.exec(origin)
  return match?.[1] !== undefined && LOCAL_HOST.test(match[1])
}

/** Checks the connection string in the header. The messages for a malformed string are Neon's. */
export function refuseCredentials(header: string | string[] | undefined, expected: Credentials): Refusal | undefined {
  if (typeof header !== 'string') throw new BadRequestError('invalid header: neon-connection-string')
  const { user, password, database } = parseConnectionString(header)
  // Always compares both, so that the time reveals neither.
  const isUser = isSame(user, expected.user)
  const isPassword = isSame(password, expected.password)
  if (!isUser || !isPassword) {
    return { status: 400, code: '28P01', message: `password authentication failed for user '${user}'` }
  }
  if (database === expected.database) return undefined
  return { status: 500, code: '3D000', message: `database "${database}" does not exist` }
}

function parseConnectionString(text: string): Credentials {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new BadRequestError('invalid connection string')
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw new BadRequestError('incorrect scheme')
  const database = decode(url.pathname.slice(1))
  if (database === '') throw new BadRequestError('missing database name')
  if (url.username === '') throw new BadRequestError('missing username')
  if (url.password === '') throw new BadRequestError('missing authentication credentials: required password')
  return { user: decode(url.username), password: decode(url.password), database }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new BadRequestError('invalid connection string')
  }
}

function isSame(given: string, expected: string): boolean {
  // Digests have the same length, which timingSafeEqual requires.
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
