/** Copies requests of any class, with different header fields. */

export interface CopiedParts {
  readonly method?: string
  readonly headers: Headers
  /** null for a copy that outlives its client. Otherwise the copy ends with the given request. */
  readonly signal?: null
}

/**
 * Returns a copy of a GET or HEAD with these parts, of the same class if possible.
 *
 * Frameworks extend `Request`, and their handlers expect the subclass. Some servers on Node pass objects that only look
 * like a request, and `new Request` refuses them. srvx does so, and node-server without its global objects.
 */
export function copyRequest(request: Request, parts: CopiedParts): Request {
  const ways = [
    () => Reflect.construct(request.constructor, [request, parts]) as unknown,
    () => new Request(request, parts),
    () => new Request(request.clone(), parts),
  ]
  for (const way of ways) {
    const copy = attemptCopy(way, request, parts)
    if (copy !== undefined) return addMissingProperties(copy, request)
  }
  // A proxy, or a request of another realm.
  const { method = request.method, headers } = parts
  return addMissingProperties(new Request(request.url, { method, headers }), request)
}

/**
 * Tries one way of copying, because the constructor of a subclass may take other arguments. It may then throw, its
 * properties may throw, or it may create a different request.
 */
function attemptCopy(way: () => unknown, { url, method }: Request, parts: CopiedParts): Request | undefined {
  try {
    const copy = way()
    if (!(copy instanceof Request) || copy.url !== url || copy.method !== (parts.method ?? method)) return undefined
    return hasSameFields(copy.headers, parts.headers) ? copy : undefined
  } catch {
    return undefined
  }
}

export function hasSameFields(a: Headers, b: Headers): boolean {
  const [first, second] = [[...a], [...b]]
  return (
    first.length === second.length &&
    first.every(([name, value], i) => name === second[i]?.[0] && value === second[i]?.[1])
  )
}

/**
 * Adds the public properties that a runtime or framework added to the given request, such as srvx's `ip` and `runtime`
 * or Bun's `params`. Internal properties are not added, because servers would mistake the copy for the given request.
 */
function addMissingProperties(copy: Request, request: Request): Request {
  for (let owner: object | null = request; owner !== null; owner = Object.getPrototypeOf(owner)) {
    for (const name of Object.getOwnPropertyNames(owner)) {
      if (name in copy || name.startsWith('_')) continue
      const get = () => {
        const value: unknown = Reflect.get(request, name)
        return typeof value === 'function' ? value.bind(request) : value
      }
      Object.defineProperty(copy, name, { configurable: true, get, set: (value) => Reflect.set(request, name, value) })
    }
  }
  return copy
}
