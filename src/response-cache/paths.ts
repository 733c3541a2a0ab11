/**
 * Matches path patterns like Hono's routes: exact paths, `:name` for one segment, and a final `/*` for everything
 * below.
 */
import { describeType, InvalidOptionError } from '../values/errors.ts'

/**
 * A pattern of paths. A string is an exact path (`/admin`), a path with names for segments (`/users/:id`), or a path
 * with everything below it (`/api/*`). A regular expression is tested against the decoded path.
 */
export type PathPattern = string | RegExp

/**
 * Returns a function that reports whether a path matches one of the patterns. It expects a decoded path, as Hono's
 * router sees it.
 *
 * `/admin` matches only `/admin`, neither `/administrator` nor `/admin/users`. `/admin/*` matches `/admin` and all
 * paths below.
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

/**
 * Returns the path of a URL, decoded as routers do. `%2F` and similar escapes stay encoded, because they are not
 * separators.
 */
export function decodedPath(url: string): string {
  const { pathname } = new URL(url)
  try {
    return decodeURI(pathname)
  } catch {
    // Decode the valid escapes anyway. Otherwise one malformed escape could keep a path from matching its pattern.
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
  // Drop the flags that make `test` continue where the last match ended.
  if (pattern instanceof RegExp) return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  if (typeof pattern === 'string' && pattern.startsWith('/')) {
    const below = pattern.endsWith('/*')
    const segments = (below ? pattern.slice(0, -2) : pattern).split('/').map((segment) => segmentSource(name, segment))
    return new RegExp(`^${segments.join('/')}${below ? '(?:/.*)?' : ''}$`, 's')
  }
  const received = typeof pattern === 'string' ? 'a string without a leading /' : describeType(pattern)
  throw new InvalidOptionError(
    `Expected ${name} to contain paths that begin with /, or regular expressions, got ${received}.`,
  )
}

function segmentSource(name: string, segment: string): string {
  if (/^:[A-Za-z_]\w*$/.test(segment)) return '[^/]+'
  // Hono's routes allow more. A literal reading of these patterns would match nothing, so `exclude` would exclude
  // nothing.
  if (/^:|\*/.test(segment)) {
    throw new InvalidOptionError(
      `Expected each path of ${name} to use only :name segments and a final /*. Use a RegExp for other patterns.`,
    )
  }
  return segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
