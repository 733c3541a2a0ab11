/** The shape of a store that both Keyv 5 and Keyv 6 accept. */

/** Keyv 5 and Keyv 6 declare different answers for some methods. Only this type is assignable to both. */
// biome-ignore lint/suspicious/noExplicitAny: see above; tests check the answers against both versions.
type EitherAnswer = any

/** What Keyv 6 asks a store about itself. Keyv 6 only reads `expires`; its types require the rest. */
export interface KeyvCapabilities {
  /** True: `set` and `setMany` take the instant of expiry in milliseconds since 1970. */
  expires: true
  compatible: true
  store: 'keyvStorage'
  methods: Record<KeyvMethod, { exists: boolean; methodType: 'async' | 'sync' | 'none' }>
}

export type KeyvMethod =
  | 'get'
  | 'getMany'
  | 'has'
  | 'hasMany'
  | 'set'
  | 'setMany'
  | 'delete'
  | 'deleteMany'
  | 'clear'
  | 'disconnect'
  | 'iterator'

/** An entry of `setMany`: with `ttl` from Keyv 5, with `expires` from Keyv 6, both in milliseconds. */
export interface KeyvEntry {
  key: string
  value: unknown
  ttl?: number | undefined
  expires?: number | undefined
}

/** A store for Keyv 5 and Keyv 6, typed by structure, so that Keyv is not a dependency of this package. */
export interface KeyvStore {
  /** `dialect` tells Keyv 5 that the store can be iterated. */
  readonly opts: { dialect: 'postgres'; [name: string]: unknown }
  /** Keyv sets it. Entries without a namespace are in the namespace `keyv`, which is the default of Keyv 5. */
  namespace: string | undefined
  readonly capabilities: KeyvCapabilities
  get(key: string): Promise<EitherAnswer>
  getMany(keys: string[]): Promise<EitherAnswer[]>
  has(key: string): Promise<boolean>
  hasMany(keys: string[]): Promise<boolean[]>
  set(key: string, value: unknown, ttlOrExpires?: number): Promise<boolean>
  setMany(entries: KeyvEntry[]): Promise<EitherAnswer>
  delete(key: string): Promise<boolean>
  deleteMany(keys: string[]): Promise<EitherAnswer>
  clear(): Promise<void>
  iterator(): AsyncGenerator<[key: string, value: EitherAnswer], void>
  on(event: string, listener: (error: unknown) => void): this
}
