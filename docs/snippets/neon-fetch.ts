import { drizzle } from 'drizzle-orm/pg-proxy'

/** Longer than the cache's own timeout, which says more. Ends requests that nobody waits for any more. */
const TIMEOUT_MS = 6_000

/** A Drizzle database over Neon's HTTP endpoint, without Neon's driver. */
export function neonOverFetch(connectionString: string, endpoint?: string) {
  const { href, hostname } = parse(connectionString)
  return drizzle(async (query, params, method) => {
    const response = await fetch(endpoint ?? `https://${hostname.replace(/^[^.]+\./, 'api.')}/sql`, {
      method: 'POST',
      headers: { 'Neon-Connection-String': href, 'Neon-Array-Mode': String(method !== 'execute') },
      body: JSON.stringify({ query, params }),
      // No other host gets the password.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.ok) return (await response.json()) as { rows: unknown[] }
    const { message = 'Server error', code } = (await response.json().catch(() => ({}))) as Failure
    // pgstash knows the errors of Neon's driver by this name, and by the status in the message.
    const error = new Error(`${message} (HTTP status ${response.status})`)
    throw Object.assign(error, { name: 'NeonDbError', code })
  })
}

interface Failure {
  message?: string
  code?: string
}

/** The URL's own error, and that of an invalid header, would show the connection string. */
function parse(connectionString: string): URL {
  try {
    return new URL(connectionString)
  } catch {
    throw new Error('The connection string is not a valid URL: postgresql://user:password@host/database.')
  }
}
