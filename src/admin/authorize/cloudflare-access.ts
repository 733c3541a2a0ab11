import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose'
import { describeType, InvalidOptionError } from '../../values/errors.ts'
import { optionalFunction, optionsObject } from '../../values/options.ts'
import type { Authorize } from './authorize.ts'

/**
 * The part of `fetch` that loading the keys needs. jose's own type would make its ES module part of CommonJS
 * declarations.
 */
type KeyFetch = (
  url: string,
  options: { headers: Headers; method: 'GET'; redirect: 'manual'; signal: AbortSignal },
) => Promise<Response>

/** Options of {@link cloudflareAccess}. */
export interface CloudflareAccessOptions {
  /** The team's name: `acme` of `acme.cloudflareaccess.com`. */
  team: string
  /** The application's audience tag (AUD), or a list of tags. */
  audience: string | readonly string[]
  /** Decides which of the people that Access lets through may see the pages; default: all of them. */
  allow?: ((email: string | undefined) => boolean) | undefined
  /** How the team's keys are fetched; default `fetch`. */
  fetch?: KeyFetch | undefined
}

/** Error codes of jose if the keys are unavailable: a timeout, a status other than 200, no JSON, or no keys in it. */
const KEYS_MISSING: ReadonlySet<string> = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID'])
const HEADER = 'cf-access-jwt-assertion'
const TEAM = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i

/**
 * Admits people whom Cloudflare Access let through, by the signature of its token. Refuses requests that bypassed
 * Access.
 *
 * Fetches the team's keys when it first needs them and keeps them for ten minutes. An unknown key makes it fetch them
 * again.
 *
 * @throws InvalidOptionError
 * @example
 * cacheAdmin({ cache, authorize: cloudflareAccess({ team: 'acme', audience: env.ACCESS_AUDIENCE }) })
 */
export function cloudflareAccess(options: CloudflareAccessOptions): Authorize {
  const { team, audience, allow, fetch } = optionsObject<CloudflareAccessOptions>(options, [
    'team',
    'audience',
    'allow',
    'fetch',
  ])
  optionalFunction('allow', allow)
  optionalFunction('fetch', fetch)
  const issuer = `https://${parseTeam(team)}.cloudflareaccess.com`
  const audiences = parseAudience(audience)
  // Makes no request yet, because a Worker may not fetch outside of a request.
  const keys = createRemoteJWKSet(
    new URL('/cdn-cgi/access/certs', issuer),
    fetch === undefined ? {} : { [customFetch]: fetch },
  )
  return async (c) => {
    const token = c.req.header(HEADER)
    if (token === undefined) return false
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience: audiences,
        algorithms: ['RS256'],
        requiredClaims: ['exp'],
      })
      return allow === undefined || allow(typeof payload.email === 'string' ? payload.email : undefined) === true
    } catch (error) {
      // These errors mean that the token is invalid. Any other error is a failure, not a refusal.
      if (error instanceof errors.JOSEError && !KEYS_MISSING.has(error.code)) return false
      throw error
    }
  }
}

function parseTeam(team: unknown): string {
  if (typeof team === 'string' && TEAM.test(team)) return team
  throw new InvalidOptionError(
    `Expected team to be the name before .cloudflareaccess.com, got ${typeof team === 'string' ? 'another string' : describeType(team)}.`,
  )
}

function parseAudience(audience: unknown): string[] {
  const tags: unknown[] = Array.isArray(audience) ? audience : [audience]
  if (tags.length > 0 && tags.every((tag): tag is string => typeof tag === 'string' && tag !== '')) return tags
  throw new InvalidOptionError(
    `Expected audience to be the application's AUD tag, or a list of them, got ${describeType(audience)}.`,
  )
}
