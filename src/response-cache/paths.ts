/** Path patterns as in Hono's routes: exact paths, `:name` for one segment, and a final `/*` for everything below. */
import { describeType, InvalidOptionError } from '../values/errors.ts'

export type PathPattern = string | RegExp

/**
 * Returns a function that tells whether a path matches one of the patterns. The path is decoded, as Hono's router sees it.
 *
 * `/admin` matches only `/admin`, neither `/administrator` nor `/admin/users`. `/admin/*` matches `/admin` and all paths below.
 *
 * @throws InvalidOptionError if a pattern is malformed
 */
export function pathMatcher(name: string, patterns: readonly PathPattern[] = []): (path: string) => boolean {
  if (!Array.isArray(patterns)) {
    throw new InvalidOptionError(`Expected ${name} to be a list of path patterns, got ${describeType(patterns)}.`)
  }
  const expressions = patterns.map((pattern) => expressionOf(name, pattern))
  return (path) => expressions.some((expression) => expression.test(path))
}

/** Returns the path of a URL, decoded as routers do. `%2F` and the like stay: they are not separators. */
export function decodedPath(url: string): string {
  const { pathname } = new URL(url)
  try {
    return decodeURI(pathname)
  } catch {
    // One malformed escape must not hide the others from a pattern.
    return pathname.replace(/(?:%[\da-f]{2})+/gi, (escapes) => attemptDecode(escapes))
  }
}

function attemptDecode(escapes: string): string {
  try {
    return decodeURI(escapes)
  } catch {
    return escapes
  }
}

function expressionOf(name: string, pattern: unknown): RegExp {
  // Drop the flags that make `test` start where the last match ended.
  if (pattern instanceof RegExp) return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  if (typeof pattern === 'string' && pattern.startsWith('/')) {
    const below = pattern.endsWith('/*')
    const segments = (below ? pattern.slice(0, -2) : pattern).split('/').map((segment) => segmentSource(name, segment))
    return new RegExp(`^${segments.join('/')}${below ? '(?:/.*)?' : ''}$`, 's')
  }
  throw new InvalidOptionError(
    `Expected ${name} to hold paths that begin with /, or regular expressions, got ${typeof pattern === 'string' ? 'another string' : describeType(pattern)}.`,
  )
}

function segmentSource(name: string, segment: string): string {
  if (/^:[A-Za-z_]\w*$/.test(segment)) return '[^/]+'
  // Hono's routes allow more. Taken literally, such a pattern would match nothing, so `exclude` would exclude nothing.
  if (/^:|\*/.test(segment)) {
    throw new InvalidOptionError(
      `Expected ${name} to hold paths with nothing but :name for a segment and /* at the end, or regular expressions, got a path of another form.`,
    )
  }
  return segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
