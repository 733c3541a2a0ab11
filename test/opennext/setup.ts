import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'drizzle-orm'
import { createSite } from '../fill/clients.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createGate } from '../setup/gate.ts'
import { type Isolate, type IsolateOptions, pageServer, startIsolates } from './isolates.ts'

/** A database, and isolates of a worker that OpenNext has built. */
export async function createWorkers() {
  const site = await createSite()
  const pages = pageServer()
  const bindings = {
    ENDPOINT: site.server.endpoint,
    DATABASE_URL: site.server.connectionString,
    OPEN_NEXT_BUILD_ID: 'build-1',
    NEXT_VERSION: '16.4.6',
  }
  return {
    ...site,
    pages,
    isolates: (count: number, options: Partial<IsolateOptions> = {}): Promise<Isolate[]> =>
      startIsolates({ count, self: pages.serve, ...options, bindings: { ...bindings, ...options.bindings } }),
    /** Makes this much time seem to pass for everything stored so far. */
    async age(ms: number): Promise<void> {
      await site.db.execute(sql`
        update cache_entries set updated_at = updated_at - ${ms} * interval '1 millisecond',
          number = case when key ~ '(expired|stale):' then number - ${ms} else number end,
          value = case when value like '%"startedAt"%'
            then jsonb_set(value::jsonb, '{startedAt}', to_jsonb((value::jsonb ->> 'startedAt')::numeric - ${ms}))::text
            else value end`)
    },
    /** The rows that contain a text, in their key or value. */
    async rows(text: string) {
      const { rows } = await site.db.execute<{
        key: string
        number: string | null
        value: string | null
        life: string | null
      }>(sql`
        select key, number, value, extract(epoch from expires_at - now()) as life from cache_entries
        where position(${text} in key || coalesce(value, '')) > 0 order by key`)
      return rows
    },
  }
}

export type Workers = Awaited<ReturnType<typeof createWorkers>>

/** A URL that answers once the gate is open. `reached` resolves at its first request. */
export async function gateServer() {
  const [reached, opened] = [createGate(), createGate()]
  const server = createServer(async (_request, response) => {
    reached.open()
    await opened.opened
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return { url, reached: reached.opened, open: opened.open }
}
