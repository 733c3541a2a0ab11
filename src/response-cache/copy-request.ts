/**
 * Copies a request without a body, with other header fields.
 *
 * Handlers expect more than a `Request`: a subclass (`NextRequest`), or what the server adds. Bun adds the `params` of the route,
 * and srvx, which Nitro and h3 run on, adds `ip`, `runtime`, `waitUntil` and `context`.
 */

/** Returns a copy of a GET or HEAD with these fields. */
export function copyRequest(request: Request, headers: Headers): Request {
  return copyOfSubclass(request, headers) ?? copyParts(request, { headers, signal: request.signal })
}

/** Returns a GET with these fields that goes on if the client disconnects. */
export function detachedRequest(request: Request, headers: Headers): Request {
  return copyParts(request, { method: 'GET', headers, signal: null })
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
  const copy = construct(request, init)
  for (const name of addedNames(request, copy)) {
    try {
      Object.defineProperty(copy, name, { value: Reflect.get(request, name), writable: true, configurable: true })
    } catch {
      // A getter that refuses, as those of properties that Next has removed.
    }
  }
  return copy
}

function construct(request: Request, init: RequestInit): Request {
  try {
    // Keeps what the runtime hides, such as `cf` on Cloudflare.
    return new Request(request, init)
  } catch {
    // It only looks like a Request: srvx makes such objects on Node.
    return new Request(request.url, { method: request.method, ...init })
  }
}

/** Returns the names of the public properties that the copy lacks. */
function addedNames(request: Request, copy: Request): string[] {
  const names = new Set<string>()
  for (let from: object | null = request; isOfServer(from); from = Object.getPrototypeOf(from)) {
    for (const name of Object.getOwnPropertyNames(from)) if (!name.startsWith('_') && !(name in copy)) names.add(name)
  }
  return [...names]
}

function isOfServer(from: object | null): from is object {
  return from !== null && from !== Request.prototype && from !== Object.prototype
}

export function hasSameFields(a: Headers, b: Headers): boolean {
  const [first, second] = [[...a], [...b]]
  return (
    first.length === second.length &&
    first.every(([name, value], i) => name === second[i]?.[0] && value === second[i]?.[1])
  )
}
