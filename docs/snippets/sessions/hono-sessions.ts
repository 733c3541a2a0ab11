import { Hono } from 'hono'
import { type Session, sessionMiddleware } from 'hono-sessions'
import type { Cache } from 'pgstash'
import { sessionStore } from 'pgstash/hono'

interface User {
  email: string
}

export function createApp(cache: Cache, encryptionKey: string) {
  const app = new Hono<{ Variables: { session: Session<User>; session_key_rotation: boolean } }>()
  app.use(
    sessionMiddleware({
      store: sessionStore(cache, { maxAge: '30d' }),
      encryptionKey, // At least 32 characters.
      expireAfterSeconds: 3_600, // An hour after the last request.
      cookieOptions: { httpOnly: true, secure: true, sameSite: 'Lax', path: '/' },
    }),
  )
  app.post('/login', async (c) => {
    const { email } = await c.req.json<User>() // Check a password here.
    c.get('session').set('email', email)
    c.set('session_key_rotation', true) // A new id for the logged-in session.
    return c.text('welcome')
  })
  app.post('/logout', (c) => {
    c.get('session').deleteSession()
    return c.text('bye')
  })
  return app.get('/me', (c) => c.json({ email: c.get('session').get('email') }))
}
