/**
 * A `Store` for the package hono-sessions, whose own stores keep sessions in cookies or in the memory of one process.
 */
import { authoritativeCache } from '../cache/authoritative-cache.ts'
import type { Cache } from '../cache.ts'
import { now, wallClock } from '../values/clock.ts'
import { type Expiration, parsePeriod } from '../values/expiration.ts'
import { optionsObject } from '../values/options.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'

const DEFAULT_NAMESPACE = 'sessions'
const DEFAULT_IDLE = '7d'
const DEFAULT_MAX_AGE = '30d'
/** The data is kept a little longer than the session, so that a live session never loses its data. */
const DATA_SLACK_MS = 60_000

/** Options of {@link sessionStore}. */
export interface SessionStoreOptions {
  /** The namespace of the sessions, nested in the cache's own. Default `sessions`. */
  namespace?: string | undefined
  /**
   * How long a session lives after its last save, a positive span. Applies if the middleware has no
   * `expireAfterSeconds`. Default 7 days.
   */
  expiration?: Expiration | undefined
  /** The longest total lifetime of a session, however often it is used; a positive span. Default 30 days. */
  maxAge?: Expiration | undefined
}

/** A session as hono-sessions 0.8 passes it. */
export interface SessionData {
  /** The id of the session. The store gets it as an argument, and ignores this field. */
  _id?: string
  /** The values of the session by name. The middleware removes a value with `flash` once it was read. */
  _data: Record<string, { value: unknown; flash: boolean }>
  /**
   * When the session expires, in ISO 8601. Null if the middleware has no `expireAfterSeconds`: then `expiration`
   * applies. A loaded session always has null, because the database decides whether it has expired.
   */
  _expire: string | null
  /**
   * True if the program deleted the session. The store ignores this field: the middleware then calls `deleteSession`.
   */
  _delete: boolean
  /** When the session was last used. The store ignores this field, and a loaded session has null. */
  _accessed: string | null
}

/** The `Store` of hono-sessions 0.8, declared here so that pgstash does not depend on that package. */
export interface SessionStore {
  /** Returns the session, or null if there is none or it has expired. */
  getSessionById(id?: string): Promise<SessionData | null>
  /** Stores a new session. If a session gets a new id, its total lifetime does not start again. */
  createSession(id: string, session: SessionData): Promise<void>
  /** Saves the data and moves the deadline, unless the session has ended. Unchanged data is not written. */
  persistSessionData(id: string, session: SessionData): Promise<void>
  /** Deletes the session and its data. */
  deleteSession(id: string): Promise<void>
}

type Data = SessionData['_data']

/**
 * A session exists while this entry is live. Only `createSession` writes it, so a late save cannot bring a session
 * back.
 *
 * Saves write their data to a second entry, because no statement can overwrite an entry only if it exists. Data without
 * a head is never read.
 */
interface Head {
  /** When the session began, in milliseconds since 1970. */
  readonly createdAt: number
  /** The data at that time. */
  readonly data: Data
}

/** The database state of a session that the middleware holds. */
interface Known {
  readonly createdAt: number
  /** The data in the database, as JSON. */
  readonly saved: string
}

/**
 * Creates a `Store` for hono-sessions' `sessionMiddleware`. Sessions live in Postgres, and end when you delete them.
 *
 * Loading, creating and deleting a session cost one round trip each. Saving costs one if the data is unchanged,
 * otherwise two at the same time. A session that ended while a request was running is not saved. If two requests change
 * the same session at the same time, the last one overwrites the data. A request that changes nothing overwrites
 * nothing.
 *
 * The database stores a SHA-256 of the session's id, so that nobody can take over a session by reading the table.
 *
 * If the database fails, the request fails. A failure never looks like an ended session, so nobody is logged out.
 *
 * @throws InvalidOptionError for a cache with `onError: 'miss'` or with a first tier; InvalidExpirationError,
 *   InvalidKeyError
 * @example
 * app.use('*', sessionMiddleware({ store: sessionStore(cache, { maxAge: '14d' }), expireAfterSeconds: 3_600 }))
 */
export function sessionStore(cache: Cache, options?: SessionStoreOptions): SessionStore {
  const checked = authoritativeCache(cache, 'the argument of sessionStore')
  const {
    namespace = DEFAULT_NAMESPACE,
    expiration = DEFAULT_IDLE,
    maxAge = DEFAULT_MAX_AGE,
  } = optionsObject<SessionStoreOptions>(options, ['namespace', 'expiration', 'maxAge'])
  const idleMs = parsePeriod(expiration, 'expiration', now())
  const maxAgeMs = parsePeriod(maxAge, 'maxAge', now())
  const sessions = checked.namespace(namespace)
  // The middleware passes the same session object to load and save.
  const known = new WeakMap<SessionData, Known>()

  /** How long the session lives without another save, and how long its data is kept. */
  function livesOf({ _expire: expire }: SessionData, createdAt: number) {
    const at = wallClock()
    const longest = createdAt + maxAgeMs - at
    const idle = expire === null ? idleMs : Date.parse(expire) - at
    return { idle: { milliseconds: Math.min(idle, longest) }, data: { milliseconds: longest + DATA_SLACK_MS } }
  }

  return {
    async getSessionById(id) {
      if (id === undefined || id === '') return null
      const keys = keysOf(id)
      let found: Map<string, unknown>
      try {
        found = await sessions.getMany([keys.head, keys.data])
      } catch (error) {
        return unreadableSession(error)
      }
      const head = found.get(keys.head) as Head | undefined
      if (head === undefined) return null
      const data = (found.get(keys.data) as Data | undefined) ?? head.data
      // `_expire` is null, because the database decides whether a session has expired. The middleware would compare an
      // older instant.
      const session: SessionData = { _data: data, _expire: null, _delete: false, _accessed: null }
      known.set(session, { createdAt: head.createdAt, saved: JSON.stringify(data) })
      return session
    },
    async createSession(id, session) {
      // If a session gets a new id, its total lifetime does not start again.
      const createdAt = known.get(session)?.createdAt ?? wallClock()
      const head: Head = { createdAt, data: session._data }
      const saved = JSON.stringify(session._data)
      await sessions.set(keysOf(id).head, head, { expiration: livesOf(session, createdAt).idle })
      known.set(session, { createdAt, saved })
    },
    async persistSessionData(id, session) {
      const keys = keysOf(id)
      const before = known.get(session)
      const createdAt = before?.createdAt ?? (await sessions.get<Head>(keys.head))?.createdAt
      if (createdAt === undefined) return
      const lives = livesOf(session, createdAt)
      const saved = JSON.stringify(session._data)
      if (saved === before?.saved) {
        await sessions.touch(keys.head, lives.idle)
        return
      }
      const save = sessions.set(keys.data, session._data, { expiration: lives.data })
      const [isLive] = await Promise.all([sessions.touch(keys.head, lives.idle), save])
      if (isLive) known.set(session, { createdAt, saved })
      else await sessions.delete(keys.data)
    },
    async deleteSession(id) {
      const { head, data } = keysOf(id)
      await sessions.deleteMany([head, data])
    },
  }
}

function keysOf(id: string): { head: string; data: string } {
  const hash = bytesToHex(sha256(utf8ToBytes(id)))
  return { head: hash, data: `${hash}:data` }
}

/**
 * Returns a session whose fields throw the error when they are read. hono-sessions treats a rejection like a missing
 * session, and gives the client the cookie of a new one. A short outage would then log users out.
 */
function unreadableSession(error: unknown): SessionData {
  const fail = (): never => {
    throw error
  }
  const field = { enumerable: true, get: fail }
  return Object.defineProperties({ _delete: false } as SessionData, { _data: field, _expire: field, _accessed: field })
}
