/**
 * A client for Neon's SQL-over-HTTP endpoint.
 *
 * Rejected: Neon's own driver. It also contains a Postgres client for WebSockets, and would add 47 KB to a Worker for
 * one `POST`.
 */
import { InvalidOptionError } from '../../values/errors.ts'
import type { FetchOptions } from '../drivers/fetch-options.ts'

interface QueryOptions {
  /** Rows as lists of cells; default: objects. */
  readonly arrayMode?: boolean
  readonly fetchOptions?: FetchOptions & { readonly signal?: AbortSignal }
}

/** Each cell is the text that Postgres sent, or null. */
export interface HttpResult {
  readonly fields: { readonly name: string }[]
  readonly rows: unknown[]
}

interface Refusal {
  readonly message?: string
  readonly code?: string
}

export class NeonHttpClient {
  readonly #connectionString: string
  readonly #endpoint: string

  /** @throws InvalidOptionError if the URL has no user or database, because the endpoint takes no default for them */
  constructor(url: URL, endpoint: string) {
    if (url.username === '' || url.pathname.length < 2) {
      throw new InvalidOptionError('Expected a user and a database in the connection string, because HTTP needs both.')
    }
    this.#connectionString = url.href
    this.#endpoint = endpoint
  }

  /** Sends one statement. Throws errors of the same form as Neon's driver, so that the same rules recognise them. */
  async query(
    query: string,
    params: readonly unknown[],
    { arrayMode = false, fetchOptions = {} }: QueryOptions = {},
  ): Promise<HttpResult> {
    const response = await this.#post(JSON.stringify({ query, params }), arrayMode, fetchOptions)
    if (response.ok) return (await response.json()) as HttpResult
    const { message = 'Server error', code } = (await response.json().catch(() => ({}))) as Refusal
    throw neonError(`${message} (HTTP status ${response.status})`, { code })
  }

  async #post(body: string, arrayMode: boolean, fetchOptions: QueryOptions['fetchOptions']): Promise<Response> {
    try {
      return await fetch(this.#endpoint, {
        method: 'POST',
        headers: {
          'Neon-Connection-String': this.#connectionString,
          'Neon-Raw-Text-Output': 'true',
          'Neon-Array-Mode': String(arrayMode),
        },
        body,
        // Do not follow a redirect: no other host may get the password.
        redirect: 'manual',
        // The cast is needed because Next's types narrow its own option `next`, which other programs do not have.
        ...(fetchOptions as RequestInit),
      })
    } catch (cause) {
      throw neonError('Error connecting to database', { cause })
    }
  }
}

function neonError(message: string, fields: { code?: string | undefined; cause?: unknown }): Error {
  return Object.assign(new Error(message, { cause: fields.cause }), { name: 'NeonDbError', code: fields.code })
}
