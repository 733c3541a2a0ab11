/** The cache of a driver that was given none. */
import type { Cache } from '../cache.ts'
import { enableLocalNeon } from '../local-neon/enable-local-neon.ts'
import { createCache } from '../postgres/create-cache.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { withoutContent } from '../values/redact.ts'
import type { Settings } from './options.ts'

/** Where the connection string is looked for, in this order. Vercel sets the second name if a project has no first. */
const VARIABLES = ['DATABASE_URL', 'POSTGRES_URL'] as const

/**
 * Opens a cache over Neon's HTTP driver. Sends nothing.
 *
 * The driver is imported here, because a program that brings its own cache need not have it installed.
 *
 * @throws InvalidOptionError if Neon's driver is not installed. The cache's calls throw one if there is no connection string.
 */
export async function openCache({ url, engine }: Pick<Settings, 'url' | 'engine'>): Promise<Cache> {
  const [{ neon, neonConfig }, { drizzle }] = await importDriver()
  enableLocalNeon(neonConfig)
  return createCache(() => drizzle({ client: neon(url ?? connectionString()) }), engine)
}

async function importDriver() {
  try {
    return await Promise.all([import('@neondatabase/serverless'), import('drizzle-orm/neon-http')])
  } catch (error) {
    throw Object.assign(
      new InvalidOptionError('Expected the package @neondatabase/serverless to be installed, or a cache to be given.'),
      { cause: withoutContent(error) },
    )
  }
}

/** @throws InvalidOptionError */
function connectionString(): string {
  const env = Object(Object(Reflect.get(globalThis, 'process')).env) as Record<string, unknown>
  for (const name of VARIABLES) if (typeof env[name] === 'string' && env[name] !== '') return env[name]
  throw new InvalidOptionError(`Expected the option url, or one of the variables ${VARIABLES.join(', ')}.`)
}
