import type { Cache } from 'pgstash'

interface Session {
  userId: string
}

export async function signIn(cache: Cache, token: string, session: Session): Promise<void> {
  await cache.set(`session:${token}`, session, { expiration: '30m' })
}

/** Each read keeps the session for at least 30 more minutes. Most reads do so without a write. */
export function session(cache: Cache, token: string): Promise<Session | undefined> {
  return cache.get<Session>(`session:${token}`, { sliding: '30m' })
}
