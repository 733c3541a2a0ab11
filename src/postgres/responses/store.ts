/** What a store must be able to do for HTTP responses: each step one round trip. */
import type { Cost, Emit } from '../../values/events.ts'
import type { Deadline } from '../../values/expiration.ts'

/** A response as it is stored; instants in milliseconds since 1970, by the store's clock. */
export interface ResponseMeta {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly requestAt: number
  readonly responseAt: number
  /** Set by a soft purge. */
  readonly staleSince?: number
  /** What the handler's Date says, by which a late response is told from a newer one. */
  readonly date: number
  /** What a client's condition is compared with. */
  readonly tag?: string
  readonly modifiedAt: number
  /** The length of the body. */
  readonly bytes: number
  /** Whether the stored text is base64 of a body that is not UTF-8. */
  readonly base64?: true
  /** Hits push its deadline out. */
  readonly sliding?: true
  /** The fields that its URL's responses vary on; of a variant's row none. */
  readonly vary: readonly string[]
}

export interface ResponseRead {
  /** From {@link ResponseStore.keyOf}. */
  readonly base: string
  /** Digests of the request's fields, by name. */
  readonly digests: Readonly<Record<string, string>>
  readonly token: string
  readonly leaseMs: number
  /** Whether to claim the lease where nothing is fresh; and also where something is. */
  readonly claims: boolean
  readonly force: boolean
  readonly sliding: { readonly ttlMs: number; readonly lifeMs: number; readonly maxAgeMs: number | null } | undefined
  /** The body is not needed at all, or not where a condition holds. */
  readonly headOnly: boolean
  readonly noneMatch: readonly string[] | '*' | undefined
  readonly modifiedSince: number | undefined
}

export interface ResponseAnswer {
  /** Of the row that the request selects, and of its lease. */
  readonly key: string
  /** What the URL's responses vary on; undefined where nothing is known of it. */
  readonly names: readonly string[] | undefined
  readonly entry:
    | {
        readonly state: 'live' | 'kept'
        readonly meta: ResponseMeta
        /** Undefined where the request did not need it. */
        readonly body: string | undefined
        readonly expiresAt: number | undefined
      }
    | undefined
  /** The store's clock. */
  readonly now: number
  readonly claimed: boolean
  readonly heldMs: number | undefined
  /** The handler's last answer could not be shared: go on without waiting; what comes may be stored as of this. */
  readonly passedAt: string | undefined
}

export interface ResponseFill {
  readonly base: string
  /** From the answer: whose lease is held under the token, or was passed on. */
  readonly key: string
  readonly token: string
  readonly passedAt: string | undefined
  readonly digests: Readonly<Record<string, string>>
  /** The fields that this response varies on. */
  readonly names: readonly string[]
  /** Whether what is known of the URL's others is forgotten: together they would be too many. */
  readonly forgets: boolean
  readonly meta: ResponseMeta
  readonly body: string
  readonly deadline: Deadline
  readonly maxAgeMs: number | null
  /** How long after the deadline it is kept. */
  readonly keptMs: number
  readonly tags: readonly string[] | null
  /** How long the handler took. */
  readonly computeMs: number
  readonly maxVariants: number
}

export type ResponseFreshening = Pick<
  ResponseFill,
  'key' | 'token' | 'passedAt' | 'meta' | 'deadline' | 'maxAgeMs' | 'keptMs' | 'tags'
>

export interface ResponsePurge {
  /** URLs' keys, all of their variants included. */
  readonly bases?: readonly string[]
  /** Beginnings of URLs' keys. */
  readonly prefixes?: readonly string[]
  /** Only those with any of these tags. */
  readonly tags?: readonly string[]
  /** Makes them stale instead of removing them. */
  readonly soft: boolean
}

export interface ResponseStore {
  readonly emit: Emit | undefined
  /**
   * A URL's key as it is stored; bounded, so that a variant's fits behind it.
   *
   * @param part what else separates responses, as a digest
   */
  keyOf(urlKey: string, part?: string): string
  read(request: ResponseRead, cost: Cost): Promise<ResponseAnswer>
  /** False: refused. */
  fill(request: ResponseFill, cost: Cost): Promise<boolean>
  freshen(request: ResponseFreshening, cost: Cost): Promise<boolean>
  /** Gives the lease back; with `passMs` nobody waits for the next answer for so long. */
  release(key: string, token: string, passMs: number, cost: Cost): Promise<void>
  /** Responses purged. */
  purge(request: ResponsePurge): Promise<number>
}
