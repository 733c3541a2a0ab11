/** The type of a store that both Keyv 5 and Keyv 6 accept. */

/** Keyv 5 and Keyv 6 declare different results for some methods. Only this type is assignable to both. */
// biome-ignore lint/suspicious/noExplicitAny: see above; tests check the results against both versions.
type EitherResult = any

/** The description of a store that Keyv 6 reads. Keyv 6 uses only `expires`, but its types require the rest. */
export interface KeyvCapabilities {
  /** Tells Keyv that `set` and `setMany` take the instant of expiry in milliseconds since 1970. */
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

/** A store for Keyv 5 and Keyv 6, declared here so that pgstash does not depend on Keyv. */
export interface KeyvStore {
  /** `dialect` tells Keyv 5 that the store can be iterated. */
  readonly opts: { dialect: 'postgres'; [name: string]: unknown }
  /** Keyv sets this. Entries without a namespace are in the namespace `keyv`, which is the default of Keyv 5. */
  namespace: string | undefined
  readonly capabilities: KeyvCapabilities
  get(key: string): Promise<EitherResult>
  getMany(keys: string[]): Promise<EitherResult[]>
  has(key: string): Promise<boolean>
  hasMany(keys: string[]): Promise<boolean[]>
  set(key: string, value: unknown, ttlOrExpires?: number): Promise<boolean>
  setMany(entries: KeyvEntry[]): Promise<EitherResult>
  delete(key: string): Promise<boolean>
  deleteMany(keys: string[]): Promise<EitherResult>
  clear(): Promise<void>
  iterator(): AsyncGenerator<[key: string, value: EitherResult], void>
  on(event: string, listener: (error: unknown) => void): this
}
