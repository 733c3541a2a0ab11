/** The port of a store for HTTP responses. Each method is one round trip. */
import type { Bytes } from '../../values/bytes.ts'
import type { Cost, Emit } from '../../values/events.ts'
import type { Deadline } from '../../values/expiration.ts'

/** A stored response without its body. Instants are epoch milliseconds by the store's clock. */
export interface ResponseMeta {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly requestAt: number
  readonly responseAt: number
  /** Set by a soft purge. */
  readonly staleSince?: number
  /** The handler's Date. A response with an earlier Date does not overwrite this one. */
  readonly date: number
  /** The entity tag that a client's condition is compared with. */
  readonly tag?: string
  readonly modifiedAt: number
  /** The length of the body. */
  readonly bytes: number
  /** Set if the body is not encoded, although its Content-Encoding names a coding. The store only carries this. */
  readonly decoded?: true
  /** Set if bytes are missing. The body then holds the bytes of these ranges, in order. The store only carries this. */
  readonly parts?: {
    readonly ranges: readonly (readonly [first: number, last: number])[]
    readonly completeLength: number
  }
  /** Set if hits extend the deadline. */
  readonly sliding?: true
  /** The fields that the URL's responses vary on. Only the URL's row has them. A variant's row has none. */
  readonly vary: readonly string[]
}

/**
 * The part of a body that a request needs, in bytes. It may lie outside of the body: the caller does not know its
 * length.
 */
export type BodyRange = { readonly first: number; readonly last: number | undefined } | { readonly suffix: number }

/** How the store wrote a body. The caller only passes it back. */
export interface BodyForm {
  /** Set if the body is not UTF-8 and is therefore stored in base64. */
  readonly base64?: true
  /**
   * Set if the cache's codec wrote the body. The body and the fields have the same id, so that a body cannot be
   * combined with the fields of another response.
   */
  readonly bodyId?: string
}

export interface ResponseRead {
  /** From {@link ResponseStore.keyOf}. */
  readonly base: string
  /** Digests of the request's fields, by name. */
  readonly digests: Readonly<Record<string, string>>
  readonly token: string
  readonly leaseMs: number
  /** Whether to claim the lease if no response is fresh. */
  readonly claims: boolean
  /** Whether to claim the lease even if a response is fresh. */
  readonly force: boolean
  readonly sliding: { readonly ttlMs: number; readonly lifeMs: number; readonly maxAgeMs: number | null } | undefined
  /** Whether the request needs no body. */
  readonly headOnly: boolean
  /** The request needs no body if the response has one of these entity tags. */
  readonly noneMatch: readonly string[] | '*' | undefined
  /** The request needs no body if the response was not modified after this instant. */
  readonly modifiedSince: number | undefined
  /**
   * The request needs only this part of the body. The store may return more. For a status other than 200 it returns the
   * whole body.
   */
  readonly range: BodyRange | undefined
}

export interface ResponseAnswer {
  /** The key of the row that the request selects, and of its lease. */
  readonly key: string
  /** The fields that the URL's responses vary on; undefined if nothing is known about the URL. */
  readonly names: readonly string[] | undefined
  readonly entry:
    | {
        readonly state: 'live' | 'stale'
        readonly meta: ResponseMeta
        /**
         * The bytes from `offset` on. Fewer than `meta.bytes` bytes are only a part.
         *
         * Undefined if the request needs no body, because the client has the response or its range lies outside of the
         * body.
         */
        readonly body: { readonly bytes: Bytes; readonly offset: number } | undefined
        readonly form: BodyForm
        readonly expiresAt: number | undefined
      }
    | undefined
  /** The store's clock. */
  readonly now: number
  readonly claimed: boolean
  readonly heldMs: number | undefined
  /** Set while the URL is hit-for-miss: do not wait, and store a shareable response as of this snapshot. */
  readonly hitForMissSnapshot: string | undefined
  /** Set if the database refused the claim. No request can store a response for now, so do not wait for one. */
  readonly refusal?: unknown
}

export interface ResponseFill {
  readonly base: string
  /** From the answer of the read. The token holds the lease of this key, or the key is hit-for-miss. */
  readonly key: string
  readonly token: string
  readonly hitForMissSnapshot: string | undefined
  readonly digests: Readonly<Record<string, string>>
  /** The fields that this response varies on. */
  readonly names: readonly string[]
  /** Whether to forget the fields of the URL's other responses, because there would be too many together. */
  readonly forgets: boolean
  readonly meta: ResponseMeta
  readonly body: Uint8Array
  readonly deadline: Deadline
  readonly maxAgeMs: number | null
  /** How long the response is kept after its deadline, to be served stale or revalidated. */
  readonly retentionMs: number
  readonly tags: readonly string[] | null
  /** How long the handler took. */
  readonly computeMs: number
  readonly maxVariants: number
}

export interface ResponseFreshening
  extends Pick<
    ResponseFill,
    'base' | 'key' | 'token' | 'hitForMissSnapshot' | 'meta' | 'deadline' | 'maxAgeMs' | 'retentionMs' | 'tags'
  > {
  /** The form of the entry's body, which stays. */
  readonly form: BodyForm
}

export interface ResponsePurge {
  /** Stored keys of URLs. All variants of each are purged. */
  readonly bases?: readonly string[]
  /** Stored keys of single responses. */
  readonly keys?: readonly string[]
  /** Prefixes of URLs' keys. */
  readonly prefixes?: readonly string[]
  /** Purges only responses with any of these tags. */
  readonly tags?: readonly string[]
  /** Makes responses stale instead of removing them. */
  readonly soft: boolean
  /** The purge does not break the lease with this token. The caller holds it, and fills after the purge. */
  readonly exceptToken?: string | undefined
}

export interface ResponseStore {
  readonly emit: Emit | undefined
  /**
   * Returns the stored key of a URL. Its length is bounded, so that a variant's digest fits after it.
   *
   * @param part the digest of the texts that separate responses of one URL
   */
  keyOf(urlKey: string, part?: string): string
  /**
   * A response that the cache's codec cannot decode counts as missing. The store then emits an `error` event. If the
   * request claims, the store reads a second time to claim the lease.
   */
  read(request: ResponseRead, cost: Cost): Promise<ResponseAnswer>
  /**
   * Returns false if the store refused the response.
   *
   * @throws UnserializableValueError, ValueTooLargeError if the codec cannot encode it; the lease is then still held
   */
  fill(request: ResponseFill, cost: Cost): Promise<boolean>
  freshen(request: ResponseFreshening, cost: Cost): Promise<boolean>
  /** Releases the lease, and deletes the response of this key, unless another request stored one since the answer. */
  delete(request: Pick<ResponseFill, 'key' | 'token' | 'hitForMissSnapshot'>, cost: Cost): Promise<void>
  /** Releases the lease. With `hitForMissMs` above 0, no request waits for the URL for that long. */
  release(key: string, token: string, hitForMissMs: number, cost: Cost): Promise<void>
  /** Returns the number of purged responses. */
  purge(request: ResponsePurge): Promise<number>
}
