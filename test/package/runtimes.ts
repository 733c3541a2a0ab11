/** Runs bundles in workerd, as its clients meet them. */
import { request } from 'node:http'
import { Miniflare } from 'miniflare'
import { cleanup } from '../setup/cleanup.ts'

/** The first that FACTS.md vouches for, and the newest that the installed workerd knows. */
export const COMPATIBILITY_DATES = ['2024-06-01', '2026-04-01'] as const
const NEWEST = COMPATIBILITY_DATES[1]

export interface WorkerOptions {
  readonly bindings: Record<string, string>
  readonly compatibilityDate?: string | undefined
  readonly compatibilityFlags?: string[]
  /** The connection string of a database behind a binding named HYPERDRIVE. */
  readonly hyperdrive?: string | undefined
}

/** Runs a module worker in workerd, in an isolate of its own; answers with its address. */
export async function startWorker(script: string, options: WorkerOptions): Promise<string> {
  const { bindings, compatibilityDate = NEWEST, compatibilityFlags = [], hyperdrive } = options
  const miniflare = new Miniflare({
    modules: [{ type: 'ESModule', path: 'worker.mjs', contents: script }],
    compatibilityDate,
    compatibilityFlags,
    bindings,
    ...(hyperdrive !== undefined && { hyperdrives: { HYPERDRIVE: hyperdrive } }),
    cf: false,
    // Straight to workerd, or the worker would not learn that its client has left.
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  })
  cleanup(() => miniflare.dispose())
  await miniflare.ready
  return (await miniflare.unsafeGetDirectURL()).href.replace(/\/$/, '')
}

/**
 * A client that closes its connection before the answer, and so cancels the request.
 *
 * With a reset, as a half-closed connection (all that aborting a `fetch` makes) is none to workerd.
 */
export function leavingClient(url: string): { leave(): void } {
  const pending = request(url, { agent: false })
  pending.on('error', () => {})
  pending.end()
  return { leave: () => pending.socket?.resetAndDestroy() }
}

export interface Answered {
  readonly status: number
  /** JSON where the status is 200. */
  readonly body: unknown
}

export async function answer(pending: Promise<Response>): Promise<Answered> {
  const response = await pending
  const text = await response.text()
  return { status: response.status, body: response.status === 200 ? JSON.parse(text) : text }
}
