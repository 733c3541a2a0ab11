/** `queue`: renders stale pages anew, in the background. */
import type { Cache } from '../cache.ts'
import { entryKey } from '../next/names.ts'
import { now } from '../values/clock.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { milliseconds, type TimeSpan } from '../values/time-span.ts'
import { binding, environmentVariable, inBackground } from './runtime.ts'
import { type Storage, storageOf } from './storage.ts'

export interface QueueOptions {
  /** How long a page may take to render, from one second to a minute. A plain number is milliseconds. Default 10 seconds. */
  timeout?: TimeSpan | undefined
}

/** A request to render a page, as OpenNext sends it. Messages of one `MessageDeduplicationId` ask for the same. */
export interface QueueMessage {
  readonly MessageDeduplicationId: string
  readonly MessageBody: { readonly host: string; readonly url: string }
}

/** OpenNext's interface, typed by structure. */
export interface Queue {
  readonly name: string
  send(message: QueueMessage): Promise<void>
}

/** The binding of the worker to itself. */
interface Service {
  fetch(url: string, init: object): Promise<Response>
}

const SERVICE = 'WORKER_SELF_REFERENCE'
/** OpenNext sets it when a worker starts. */
const TOKEN = 'NEXT_PREVIEW_MODE_ID'
const FIRST_ERROR = 400
const GONE = [404, 410]
const DEFAULT_TIMEOUT_MS = 10_000
const TIMEOUT = { numbers: 'milliseconds', min: 1_000, max: 60_000 } as const
/** A message is held for so much longer than its page may take, so that a lease never ends before its request does. */
const MARGIN_MS = 5_000
/** For so long after a page was rendered, isolates that read its old entry may still ask for it. */
const SETTLING_MS = 1_000
/** Messages that an isolate remembers. They save a round trip each, and nothing else depends on them. */
const MAX_REMEMBERED = 1_000
const LOCAL = /^(?:[^:]*\.)?localhost(?::|$)|^127\.0\.0\.1(?::|$)|^\[::1\](?::|$)/

/**
 * The revalidation queue of OpenNext on Cloudflare.
 *
 * It renders a stale page with a request to the worker itself, through the service binding `WORKER_SELF_REFERENCE`, after the
 * response. Of all isolates that send one message, one makes the request: the one that stores its lease, a row that ends by itself.
 * If the page fails, the lease is given back, and the next visitor tries again. Nothing is retried without a visitor.
 *
 * @param makeCache creates the cache at the first request. Pass the same function to all three overrides.
 * @throws InvalidOptionError; `send` also rejects with it if the binding is missing
 * @example
 * export default defineCloudflareConfig({ incrementalCache: incrementalCache(cache), tagCache: tagCache(cache), queue: queue(cache) })
 */
export function queue(makeCache: () => Cache, options?: QueueOptions): Queue {
  const { timeout = DEFAULT_TIMEOUT_MS } = optionsObject<QueueOptions>(options, ['timeout'])
  const timeoutMs = milliseconds('timeout', timeout, TIMEOUT)
  const leaseMs = timeoutMs + MARGIN_MS
  const storage = storageOf(makeCache)
  /** By the name of their lease, the messages of this isolate, and until when they are not sent again. */
  const remembered = new Map<string, number>()

  function isRemembered(name: string): boolean {
    if (remembered.size > MAX_REMEMBERED) remembered.clear()
    return (remembered.get(name) ?? 0) > now()
  }

  async function revalidate({ entries, guard }: Storage, name: string, render: () => Promise<boolean>): Promise<void> {
    const startedAt = now()
    // For no longer than the lease, because a request that is cancelled forgets nothing.
    remembered.set(name, startedAt + leaseMs)
    const isOurs = await guard(() => entries.add(name, 1, { expiration: { milliseconds: leaseMs } })).catch(() => false)
    const isDone = isOurs && (await render())
    remembered.set(name, isDone || !isOurs ? now() + SETTLING_MS : 0)
    // By then the lease may be another's.
    if (!isOurs || now() - startedAt > leaseMs) return
    const released = isDone ? entries.touch(name, { milliseconds: SETTLING_MS }) : entries.delete(name)
    // If this fails, the lease ends by itself.
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
    // Out of time, or the worker failed, which it reports by itself.
    return false
  }
}

/** Whatever the page's cache says of a success. A page that is gone has been rendered, too. */
function isSettled(status: number): boolean {
  return status < FIRST_ERROR || GONE.includes(status)
}

/** @throws InvalidOptionError */
function selfReference(): Service {
  const service = binding(SERVICE)
  if (typeof Reflect.get(Object(service), 'fetch') === 'function') return service as Service
  throw new InvalidOptionError(
    `Expected a service binding ${SERVICE} of the worker to itself in the configuration of wrangler, got ${describeType(service)}.`,
  )
}

/** @throws InvalidOptionError */
function previewToken(): string {
  const token = environmentVariable(TOKEN)
  if (token !== undefined) return token
  throw new InvalidOptionError(`Expected OpenNext to set ${TOKEN}, got nothing. Is the worker built by OpenNext?`)
}
