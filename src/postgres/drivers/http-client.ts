/** Recognises clients for Neon's SQL-over-HTTP endpoint. */
import { NeonHttpClient } from '../connections/neon-http-client.ts'
import type { FetchOptions } from './fetch-options.ts'

/** The part of such a client that we use. No other driver passes a signal to `fetch`. */
export interface HttpClient {
  query(
    text: string,
    params: unknown[],
    options: HttpOptions,
  ): Promise<{ fields: { name: string }[]; rows: unknown[][] }>
}

export interface HttpOptions {
  readonly arrayMode: boolean
  readonly fullResults: true
  readonly fetchOptions: FetchOptions & { readonly signal?: AbortSignal }
  readonly types: { getTypeParser(): (text: string) => string }
}

const unchanged = (text: string) => text

/** Keeps the program's type parsers from changing the answer. */
export const RAW = { fullResults: true, types: { getTypeParser: () => unchanged } } as const

/** True for Neon's `neon()`, a tagged template function with these two methods, and for this package's own client. */
export function isHttpClient(client: unknown): client is HttpClient {
  if (client instanceof NeonHttpClient) return true
  return typeof client === 'function' && 'query' in client && 'transaction' in client
}
