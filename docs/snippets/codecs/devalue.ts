import { createCache, type Database, devalueCodec } from 'pgstash'

interface Post {
  title: string
  published: Date
  tags: Set<string>
}

/** Returns Dates and Sets as Dates and Sets, on a miss and on a hit. */
export function createPosts(db: Database, load: (id: number) => Promise<Post>) {
  const cache = createCache(db, { namespace: 'posts', codec: devalueCodec })
  // The second type is that of the result. Without it, TypeScript assumes JSON.
  return (id: number): Promise<Post> => cache.getOrSet<Post, Post>(`post:${id}`, () => load(id))
}
