/** Reads the connection of a `neon()` function, which shows its connection string and token only to `fetch`. */

interface NeonHttp {
  query(text: string, params: unknown[], options: object): PromiseLike<unknown>
}
interface NeonConfig {
  fetchFunction: unknown
}
interface Sent {
  readonly url: unknown
  readonly headers: Readonly<Record<string, string>>
}

export function isNeonHttp(client: object): client is NeonHttp {
  return typeof client === 'function' && 'query' in client && 'transaction' in client
}

/**
 * Returns endpoint, host, database, user, settings and token of a client, or undefined if they cannot be read.
 *
 * The driver builds a request, which this function receives in place of `fetch`, so nothing is sent. It costs about 50
 * µs of CPU.
 *
 * Rejected: asking the database, because it costs a round trip per client. Rejected: using the client object, because
 * requests that each have a client would share nothing. Rejected: ignoring the connection, because the rows of one
 * token would reach a caller with another token.
 */
export async function neonConnection(client: NeonHttp, authToken: unknown): Promise<unknown> {
  const config = await configOfDriver()
  const sent = config && (await sentBy(client, authToken, config))
  if (sent === undefined) return undefined
  const { 'Neon-Connection-String': connectionString, Authorization: token } = sent.headers
  const url = new URL(connectionString ?? '')
  // Drop the password, which changes more often than the database, and the name, which contains the driver's version.
  url.password = ''
  url.searchParams.delete('application_name')
  url.searchParams.sort()
  return [String(sent.url), url.href, token]
}

async function sentBy(client: NeonHttp, authToken: unknown, config: NeonConfig): Promise<Sent | undefined> {
  let sent: Sent | undefined
  const { fetchFunction } = config
  // The driver reads this setting synchronously, so no other request uses it.
  config.fetchFunction = async (url: unknown, init: { headers: Readonly<Record<string, string>> }) => {
    sent = { url, headers: init.headers }
    throw new Error('Not sent.')
  }
  let isEnded: PromiseLike<void>
  try {
    // Abort the request as well, so that a second copy of the driver, with its own settings, does not send it either.
    const fetchOptions = { signal: AbortSignal.abort() }
    const options = authToken === undefined ? { fetchOptions } : { fetchOptions, authToken }
    isEnded = client.query('', [], options).then(ignore, ignore)
  } finally {
    config.fetchFunction = fetchFunction
  }
  await isEnded
  return sent
}

function ignore(): void {}

/** Returns the settings of the client's package, or undefined if the package is not installed. */
async function configOfDriver(): Promise<NeonConfig | undefined> {
  try {
    const { neonConfig } = await import('@neondatabase/serverless')
    return neonConfig as NeonConfig
  } catch {
    return undefined
  }
}
