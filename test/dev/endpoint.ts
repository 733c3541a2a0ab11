/** Shared by the tests of the local endpoint: one endpoint per kind of database, and plain requests to it. */

import { request } from 'node:http'
import { neonConfig } from '@neondatabase/serverless'
import { type LocalNeon, type LocalNeonOptions, startLocalNeon } from '../../src/dev/index.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'

export const KINDS = ['PGlite', 'a real server'] as const
export type Kind = (typeof KINDS)[number]

neonConfig.fetchEndpoint = (_host, port) => `http://127.0.0.1:${port}/sql`

/** Starts an endpoint, and closes it when the test or file ends. */
export async function start(options: LocalNeonOptions = {}): Promise<LocalNeon> {
  const local = await startLocalNeon(options)
  cleanup(() => local.close())
  return local
}

export async function startKind(kind: Kind, options: LocalNeonOptions = {}): Promise<LocalNeon> {
  return start(kind === 'PGlite' ? options : { database: await createDatabase(), ...options })
}

export interface PlainAnswer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: answers are inspected field by field, as a foreign client would.
  readonly json: any
}

export interface PlainRequest {
  readonly body?: unknown
  readonly headers?: Record<string, string | undefined>
  readonly method?: string
  readonly path?: string
  /** Replaces the correct connection string. */
  readonly connectionString?: string
  readonly signal?: AbortSignal
}

/** Sends one request with `node:http`, which allows any header, including Host and Origin. */
export function send(local: LocalNeon, options: PlainRequest = {}): Promise<PlainAnswer> {
  const headers = Object.entries({
    'neon-connection-string': options.connectionString ?? local.connectionString,
    'neon-raw-text-output': 'true',
    'neon-array-mode': 'true',
    ...options.headers,
  }).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const body =
    typeof options.body === 'string' || options.body instanceof Buffer ? options.body : JSON.stringify(options.body)
  return new Promise((resolve, reject) => {
    const req = request(
      {
        host: '127.0.0.1',
        port: local.port,
        method: options.method ?? 'POST',
        path: options.path ?? '/sql',
        headers: Object.fromEntries(headers),
        agent: false,
        ...(options.signal && { signal: options.signal }),
      },
      (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk: Buffer) => chunks.push(chunk))
        res.on('error', reject)
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: parse(text) })
        })
      },
    )
    req.on('error', reject)
    req.end(body)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Sends one query as the driver would. */
export function query(
  local: LocalNeon,
  sql: string,
  params: unknown[] = [],
  options: PlainRequest = {},
): Promise<PlainAnswer> {
  return send(local, { body: { query: sql, params }, ...options })
}
