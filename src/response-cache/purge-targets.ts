/** Checks the targets of a purge: responses by URL, prefix or tag. */
import { cacheKey, keyPrefixes, type QueryRule } from '../http/index.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { checkedQuery } from './query-rule.ts'

/** The responses that {@link purge} removes. At least one of `urls`, `prefixes` and `tags` is required. */
export interface PurgeTargets {
  /** Absolute URLs. All variants of each are purged. Default: none. */
  urls?: readonly (string | URL)[] | undefined
  /**
   * Prefixes of absolute URLs: `https://example.com/blog/`. They are resolved like URLs, so `/a/..` purges all of `/`.
   * Default: none.
   */
  prefixes?: readonly string[] | undefined
  /**
   * Responses with any of these tags. With `urls` or `prefixes`, a response must match both. Default: tags do not
   * matter.
   */
  tags?: readonly string[] | undefined
  /**
   * True to make responses stale instead of removing them. The cache then revalidates them, or serves them while it
   * refreshes them. Default false.
   */
  soft?: boolean | undefined
  /** The `query` option of the response cache that stored the responses. Default: all parameters, as in that option. */
  query?: QueryRule | undefined
}

const TARGETS = ['urls', 'prefixes', 'tags', 'soft', 'query'] as const

/** The checked targets. */
export interface ParsedTargets {
  /** The keys of URLs, before long keys are shortened. */
  readonly keys: readonly string[]
  /** The prefixes of keys. */
  readonly prefixes: readonly string[]
  readonly tags: readonly string[] | undefined
  readonly soft: boolean
  /** Whether neither URLs nor prefixes limit the purge. */
  readonly isTagsAlone: boolean
}

/** @throws InvalidOptionError */
export function parseTargets(targets: PurgeTargets): ParsedTargets {
  const { urls, prefixes, tags, soft = false, ...rest } = optionsObject<PurgeTargets>(targets, TARGETS)
  const query = checkedQuery(rest.query)
  if (urls === undefined && prefixes === undefined && tags === undefined) {
    throw new InvalidOptionError('Expected urls, prefixes or tags to purge, got none of them.')
  }
  // Tags alone select among all responses, but an empty list of URLs selects none.
  const isTagsAlone = urls === undefined && prefixes === undefined
  return {
    keys: checkedList('urls', urls).map((url) => cacheKey('GET', absoluteUrl(url), { query })),
    prefixes: isTagsAlone ? ['GET '] : checkedList('prefixes', prefixes).flatMap(prefixKeys),
    tags: tags === undefined ? undefined : checkedList('tags', tags).map(checkedTag),
    soft: boolean('soft', soft),
    isTagsAlone,
  }
}

function checkedList(name: string, value: unknown): readonly unknown[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  throw new InvalidOptionError(`Expected ${name} to be a list, got ${describeType(value)}.`)
}

function checkedTag(tag: unknown): string {
  if (typeof tag === 'string') return tag
  throw new InvalidOptionError(`Expected every tag to be a string, got ${describeType(tag)}.`)
}

function absoluteUrl(url: unknown): URL {
  try {
    return new URL(url as string)
  } catch {
    throw new InvalidOptionError('Expected each of urls to be an absolute URL.')
  }
}

/** A scheme and host, the start of a path, and optionally the start of a query. */
const PREFIX = /^https?:\/\/[^/?#\s]+\/[^?#\s\p{Cc}]*(?:\?[^#\s\p{Cc}]*)?$/iu

function prefixKeys(prefix: unknown): string[] {
  if (typeof prefix === 'string' && prefix.isWellFormed() && PREFIX.test(prefix) && URL.canParse(prefix)) {
    return keyPrefixes(prefix)
  }
  throw new InvalidOptionError('Expected each of prefixes to begin with a scheme, a host and a slash.')
}
