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
  /** Keyv 6 reads this when it gets the store. Reading it tells the store that Keyv 6 uses it. */
  readonly capabilities: KeyvCapabilities
  /** Returns the live value of a key, or undefined. */
  get(key: string): Promise<EitherResult>
  /** Returns the live values of keys, in the order of the keys. A missing one is undefined. */
  getMany(keys: string[]): Promise<EitherResult[]>
  /** Returns whether a live entry exists, without transferring its value. */
  has(key: string): Promise<boolean>
  /** Returns for each key whether a live entry exists. Transfers the values. */
  hasMany(keys: string[]): Promise<boolean[]>
  /**
   * Stores a value. Keyv 5 passes a TTL in milliseconds, Keyv 6 the instant of expiry in milliseconds since 1970.
   * Without one, the cache's own expiration applies.
   */
  set(key: string, value: unknown, ttlOrExpires?: number): Promise<boolean>
  /** Stores entries. If a key occurs twice, its last value wins. */
  setMany(entries: KeyvEntry[]): Promise<EitherResult>
  /** Deletes a key. Returns true if a live entry was removed. */
  delete(key: string): Promise<boolean>
  /** Deletes keys. Returns for Keyv 5 whether any key existed, and for Keyv 6 which keys existed. */
  deleteMany(keys: string[]): Promise<EitherResult>
  /**
   * Deletes the entries of this namespace.
   *
   * @throws InvalidOptionError if Keyv instances with different namespaces share the store
   */
  clear(): Promise<void>
  /** Yields the keys and values of the live entries of this namespace, in key order. Reads 100 at a time. */
  iterator(): AsyncGenerator<[key: string, value: EitherResult], void>
  /**
   * Adds a listener for `error`, and ignores all other events. With Keyv 5, the listener gets failed reads, which Keyv
   * 5 swallows.
   */
  on(event: string, listener: (error: unknown) => void): this
}
