/** The caches of the platforms, which store texts by key for a limited time. */

/** Stores texts by key. It may lose a text at any time, and then reads undefined. */
export interface NearStorage {
  read(key: string): Promise<string | undefined>
  write(key: string, text: string, options: { seconds: number; tags: readonly string[] }): Promise<void>
  remove(key: string): Promise<void>
  /** Expires the texts with these tags. Present only if the platform supports tags. */
  expireTags?(tags: readonly string[]): Promise<void>
}

/** The result of `getCache()` of `@vercel/functions`. */
export interface RuntimeCache {
  /** Returns the value of a key. Anything that is not a string counts as a miss. */
  get(key: string): Promise<unknown>
  /** Stores a value for `ttl` seconds, under tags. */
  set(key: string, value: unknown, options?: { ttl?: number; tags?: string[]; name?: string }): Promise<void>
  /** Deletes a key. */
  delete(key: string): Promise<void>
  /** Expires the values with any of these tags. */
  expireTag(tag: string | string[]): Promise<void>
}

/** `caches.default` of Workers. */
interface WorkersCache {
  match(url: string): Promise<Response | undefined>
  put(url: string, response: Response): Promise<void>
  delete(url: string): Promise<boolean>
}

/**
 * No host can have this name, so an entry never collides with a real response. The text `key=` keeps the keys `.` and
 * `..` from becoming path segments, which URLs drop.
 */
const ORIGIN = 'https://pgstash.invalid/key='

/**
 * Returns `caches.default` of this runtime. It is looked up at each use, because Workers forbid I/O at module level.
 */
export function workersStorage(): NearStorage | undefined {
  const cache = () => Reflect.get(Object(Reflect.get(globalThis, 'caches')), 'default') as WorkersCache | undefined
  if (cache() === undefined) return undefined
  const url = (key: string) => ORIGIN + encodeURIComponent(key)
  return {
    read: async (key) => (await cache()?.match(url(key)))?.text(),
    async write(key, text, { seconds }) {
      await cache()?.put(url(key), new Response(text, { headers: { 'cache-control': `max-age=${seconds}` } }))
    },
    async remove(key) {
      await cache()?.delete(url(key))
    },
  }
}

export function vercelStorage(cache: RuntimeCache): NearStorage {
  return {
    async read(key) {
      const found = await cache.get(key)
      return typeof found === 'string' ? found : undefined
    },
    write: (key, text, { seconds, tags }) => cache.set(key, text, { ttl: seconds, tags: [...tags], name: 'pgstash' }),
    remove: (key) => cache.delete(key),
    expireTags: (tags) => cache.expireTag([...tags]),
  }
}

export const noStorage: NearStorage = {
  read: async () => undefined,
  write: async () => {},
  remove: async () => {},
}
