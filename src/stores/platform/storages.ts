/** What the platforms keep near a function: texts by key, for so long. */

/** Texts by key. What is not there any more is undefined, whatever the reason. */
export interface NearStorage {
  read(key: string): Promise<string | undefined>
  write(key: string, text: string, options: { seconds: number; tags: readonly string[] }): Promise<void>
  remove(key: string): Promise<void>
  /** Where the platform knows tags. */
  expireTags?(tags: readonly string[]): Promise<void>
}

/** What `getCache()` of `@vercel/functions` gives. */
export interface RuntimeCache {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown, options?: { ttl?: number; tags?: string[]; name?: string }): Promise<void>
  delete(key: string): Promise<void>
  expireTag(tag: string | string[]): Promise<void>
}

/** What `caches.default` is on Workers. */
interface WorkersCache {
  match(url: string): Promise<Response | undefined>
  put(url: string, response: Response): Promise<void>
  delete(url: string): Promise<boolean>
}

/**
 * No host of this name can ever be asked: what is stored under it is nobody's response. The mark at its end keeps the keys
 * `.` and `..` from being steps of the path, which URLs drop.
 */
const ORIGIN = 'https://pgstash.invalid/key='

/** `caches.default` of this runtime: asked for at each use, because at module level nothing may be done. */
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
