/** Sees the requests of Neon's driver, to know their bytes and to run their statements again. */
import { neonConfig } from '@neondatabase/serverless'
import type pg from 'pg'

export interface CapturedRequest {
  readonly bytes: number
  readonly statements: readonly { readonly text: string; readonly values: readonly unknown[] }[]
}

interface Body {
  readonly query?: string
  readonly params?: unknown[]
  readonly queries?: readonly { readonly query: string; readonly params: unknown[] }[]
}

/** The requests that `work` makes. Nothing else may use the driver meanwhile. */
export async function capture(work: () => Promise<unknown>): Promise<CapturedRequest[]> {
  const requests: CapturedRequest[] = []
  neonConfig.fetchFunction = (url: string, init: RequestInit) => {
    const body = String(init.body)
    const { query = '', params = [], queries } = JSON.parse(body) as Body
    const all = queries ?? [{ query, params }]
    const statements = all.map((one) => ({ text: one.query, values: one.params }))
    requests.push({ bytes: Buffer.byteLength(body), statements })
    return fetch(url, init)
  }
  try {
    await work()
  } finally {
    neonConfig.fetchFunction = undefined
  }
  return requests
}

/** Runs the statements over TCP without names, so the server parses and plans each time, as it does over HTTP. */
export async function replay(client: pg.ClientBase, requests: readonly CapturedRequest[]): Promise<void> {
  for (const { statements } of requests) {
    for (const { text, values } of statements) await client.query({ text, values: [...values], rowMode: 'array' })
  }
}
