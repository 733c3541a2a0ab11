/** Copies a request without a body, with other header fields. */

/** What srvx, which Nitro and h3 run on, adds to each request: its address, the platform's bindings, background work, state. */
const SRVX_FIELDS = ['ip', 'runtime', 'waitUntil', 'context'] as const

/**
 * Returns a copy with these fields.
 *
 * Handlers expect what their framework adds to a request: a subclass, or fields of its own.
 *
 * @param request a GET or HEAD
 */
export function copyRequest(request: Request, headers: Headers): Request {
  return withFieldsOf(
    request,
    copyOfSubclass(request, headers) ?? copyParts(request, { headers, signal: request.signal }),
  )
}

/** Returns a GET with these fields that goes on if the client disconnects. */
export function detachedRequest(request: Request, headers: Headers): Request {
  return withFieldsOf(request, copyParts(request, { method: 'GET', headers, signal: null }))
}

function copyOfSubclass(request: Request, headers: Headers): Request | undefined {
  const RequestClass = request.constructor
  if (RequestClass === Request) return undefined
  try {
    const copy: unknown = Reflect.construct(RequestClass, [request, { headers }])
    if (copy instanceof Request && copy.url === request.url && hasSameFields(copy.headers, headers)) return copy
  } catch {}
  return undefined
}

function copyParts(request: Request, init: RequestInit): Request {
  try {
    // Keeps what the runtime hides, such as `cf` on Cloudflare.
    return new Request(request, init)
  } catch {
    // It only looks like a Request: srvx makes such objects on Node, and Next passes a proxy.
    return new Request(request.url, { method: request.method, ...init })
  }
}

function withFieldsOf(request: Request, copy: Request): Request {
  for (const name of SRVX_FIELDS) {
    const value: unknown = Reflect.get(request, name)
    if (value !== undefined && !(name in copy)) Object.defineProperty(copy, name, { value, writable: true })
  }
  return copy
}

export function hasSameFields(a: Headers, b: Headers): boolean {
  const [first, second] = [[...a], [...b]]
  return (
    first.length === second.length &&
    first.every(([name, value], i) => name === second[i]?.[0] && value === second[i]?.[1])
  )
}
