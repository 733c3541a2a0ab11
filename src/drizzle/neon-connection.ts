/** The connection of a `neon()` function, which shows its connection string and its token to `fetch` alone. */

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
 * Endpoint, host, database, user, settings and token of a client; undefined if they cannot be seen.
 *
 * Has the driver build a request, and takes it in place of `fetch`: nothing is sent. Costs about 50 µs of CPU. Rejected:
 * to ask the database, which costs a round trip for each client; to go by the client as an object, which shares nothing
 * between requests that have a client each; to ignore it, which hands the rows of one token to another.
 */
export async function neonConnection(client: NeonHttp, authToken: unknown): Promise<unknown> {
  const config = await configOfDriver()
  const sent = config && (await sentBy(client, authToken, config))
  if (sent === undefined) return undefined
  const { 'Neon-Connection-String': connectionString, Authorization: token } = sent.headers
  const url = new URL(connectionString ?? '')
  // Passwords change more often than databases do, and the driver's release is in the name.
  url.password = ''
  url.searchParams.delete('application_name')
  url.searchParams.sort()
  return [String(sent.url), url.href, token]
}

async function sentBy(client: NeonHttp, authToken: unknown, config: NeonConfig): Promise<Sent | undefined> {
  let sent: Sent | undefined
  const { fetchFunction } = config
  // The driver reads this setting before it first waits, so no other request meets it.
  config.fetchFunction = async (url: unknown, init: { headers: Readonly<Record<string, string>> }) => {
    sent = { url, headers: init.headers }
    throw new Error('Not sent.')
  }
  let isEnded: PromiseLike<void>
  try {
    // Aborted: a second copy of the driver, with settings of its own, must not send it either.
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

/** Of the package that the client comes from. It is not there for those who use other drivers. */
async function configOfDriver(): Promise<NeonConfig | undefined> {
  try {
    const { neonConfig } = await import('@neondatabase/serverless')
    return neonConfig as NeonConfig
  } catch {
    return undefined
  }
}
