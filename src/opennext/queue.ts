/** `queue`: renders stale pages again in the background. */
import type { Cache } from '../cache.ts'
import { entryKey } from '../next/names.ts'
import { now } from '../values/clock.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { milliseconds, type TimeSpan } from '../values/time-span.ts'
import { binding, environmentVariable, inBackground } from './runtime.ts'
import { type Storage, storageOf } from './storage.ts'

/** Options of {@link queue}. */
export interface QueueOptions {
  /**
   * How long a page may take to render, from one second to a minute. A plain number is milliseconds. Default 10
   * seconds.
   */
  timeout?: TimeSpan | undefined
}

/** A request to render a page, as OpenNext sends it. Messages with the same `MessageDeduplicationId` are duplicates. */
export interface QueueMessage {
  /** Equal for messages that ask for the same page. */
  readonly MessageDeduplicationId: string
  /** The host and the path of the page. */
  readonly MessageBody: { readonly host: string; readonly url: string }
}

/** OpenNext's interface, declared here so that pgstash does not depend on OpenNext. */
export interface Queue {
  /** The name of this override in OpenNext. */
  readonly name: string
  /**
   * Renders the page again in the background, unless another isolate does.
   *
   * @throws InvalidOptionError if the service binding is missing, or if OpenNext did not build the worker
   */
  send(message: QueueMessage): Promise<void>
}

/** The service binding from the worker to itself. */
interface Service {
  fetch(url: string, init: object): Promise<Response>
}

const SERVICE = 'WORKER_SELF_REFERENCE'
/** OpenNext sets this variable when a worker starts. */
const TOKEN = 'NEXT_PREVIEW_MODE_ID'
const FIRST_ERROR = 400
const GONE = [404, 410]
const DEFAULT_TIMEOUT_MS = 10_000
const TIMEOUT = { numbers: 'milliseconds', min: 1_000, max: 60_000 } as const
/** The lease lasts this much longer than a page may take to render, so that it never ends before the request does. */
const MARGIN_MS = 5_000
/** For this long after a page was rendered, isolates that read the old entry may still send its message. */
const SETTLING_MS = 1_000
/** How many messages an isolate remembers. Each saves a round trip, and nothing else depends on them. */
const MAX_REMEMBERED = 1_000
const LOCAL = /^(?:[^:]*\.)?localhost(?::|$)|^127\.0\.0\.1(?::|$)|^\[::1\](?::|$)/

/**
 * Creates the revalidation queue for OpenNext on Cloudflare.
 *
 * After the response, it renders a stale page with a request to the worker itself, through the service binding
 * `WORKER_SELF_REFERENCE`. If several isolates send the same message, only the isolate that gets the lease makes the
 * request. The lease is a row that expires. If rendering fails, the queue releases the lease, and the next visitor's
 * request tries again. There is no retry without a visitor.
 *
 * @param makeCache creates the cache on the first request. Pass the same function to all three overrides.
 * @throws InvalidOptionError; `send` also rejects with it if the binding is missing
 * @example
 * export default defineCloudflareConfig({
 *   incrementalCache: incrementalCache(cache),
 *   tagCache: tagCache(cache),
 *   queue: queue(cache),
 * })
 */
export function queue(makeCache: () => Cache, options?: QueueOptions): Queue {
  const { timeout = DEFAULT_TIMEOUT_MS } = optionsObject<QueueOptions>(options, ['timeout'])
  const timeoutMs = milliseconds('timeout', timeout, TIMEOUT)
  const leaseMs = timeoutMs + MARGIN_MS
  const storage = storageOf(makeCache)
  /** Maps the lease name of each message of this isolate to the time until which it is not sent again. */
  const remembered = new Map<string, number>()

  function isRemembered(name: string): boolean {
    if (remembered.size > MAX_REMEMBERED) remembered.clear()
    return (remembered.get(name) ?? 0) > now()
  }

  async function revalidate({ entries, guard }: Storage, name: string, render: () => Promise<boolean>): Promise<void> {
    const startedAt = now()
    // Remember the message no longer than the lease, because a cancelled request cannot forget it.
    remembered.set(name, startedAt + leaseMs)
    const isOurs = await guard(() => entries.add(name, 1, { expiration: { milliseconds: leaseMs } })).catch(() => false)
    const isDone = isOurs && (await render())
    remembered.set(name, isDone || !isOurs ? now() + SETTLING_MS : 0)
    // If the lease has ended, it may belong to another isolate now. Do not change it.
    if (!isOurs || now() - startedAt > leaseMs) return
    const released = isDone ? entries.touch(name, { milliseconds: SETTLING_MS }) : entries.delete(name)
    // If this fails, the lease expires anyway.
    await released.catch(() => {})
  }

  return {
    name: 'pgstash-queue',
    async send({ MessageBody: { host, url }, MessageDeduplicationId }) {
      const service = selfReference()
      const token = previewToken()
      const name = entryKey('revalidation', MessageDeduplicationId)
      if (isRemembered(name)) return
      const address = `${LOCAL.test(host) ? 'http' : 'https'}://${host}${url}`
      await inBackground(revalidate(storage(), name, () => renderPage(service, address, token, timeoutMs)))
    },
  }
}

/** True unless the page should be tried again. @param token proves to Next that the request comes from the worker */
async function renderPage(service: Service, address: string, token: string, timeoutMs: number): Promise<boolean> {
  try {
    const response = await service.fetch(address, {
      method: 'HEAD',
      headers: { 'x-prerender-revalidate': token, 'x-isr': '1' },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    await response.body?.cancel()
    return isSettled(response.status)
  } catch {
    // The request timed out, or the worker failed. The worker reports its own failure.
    return false
  }
}

/** True if the page was rendered. A page that is gone counts as rendered too. */
function isSettled(status: number): boolean {
  return status < FIRST_ERROR || GONE.includes(status)
}

/** @throws InvalidOptionError */
function selfReference(): Service {
  const service = binding(SERVICE)
  if (typeof Reflect.get(Object(service), 'fetch') === 'function') return service as Service
  throw new InvalidOptionError(
    `Expected a service binding ${SERVICE} to this worker, got ${describeType(service)}. Add it in wrangler.toml.`,
  )
}

/** @throws InvalidOptionError */
function previewToken(): string {
  const token = environmentVariable(TOKEN)
  if (token !== undefined) return token
  throw new InvalidOptionError(`Expected OpenNext to set ${TOKEN}, got nothing. Build the worker with OpenNext.`)
}
