/** The table and statements of a cache that somebody writes by hand. */
import { TTL_SECONDS } from './provider.ts'

export const RAW_TABLE = 'create table cache (key text primary key, value text, number bigint, expires_at timestamptz)'

const later = `now() + interval '${TTL_SECONDS} seconds'`
const isLive = '(expires_at is null or expires_at > now())'

export const RAW = {
  get: `select value from cache where key = $1 and ${isLive}`,
  set: `insert into cache (key, value, expires_at) values ($1, $2, ${later})
    on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at`,
  getMany: `select key, value from cache where key in (select json_array_elements_text($1::json)) and ${isLive}`,
  setMany: `insert into cache (key, value, expires_at)
    select key, value, ${later} from json_each_text($1::json) order by key
    on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at`,
  touch: `update cache set expires_at = ${later} where key = $1 and ${isLive}`,
  increment: `insert into cache (key, number, expires_at) values ($1, 1, ${later})
    on conflict (key) do update set number = cache.number + 1 returning number`,
} as const

export type RawOperation = keyof typeof RAW
type Row = Record<string, unknown>

/** A provider over any driver that runs a statement. */
export function rawProvider(run: (operation: RawOperation, values: unknown[]) => Promise<readonly Row[]>) {
  const parsed = (row: Row | undefined) => (row === undefined ? undefined : JSON.parse(row.value as string))
  return {
    get: async (key: string) => parsed((await run('get', [key]))[0]),
    set: (key: string, value: unknown) => run('set', [key, JSON.stringify(value)]),
    getMany: async (keys: string[]) => {
      const rows = await run('getMany', [JSON.stringify(keys)])
      return new Map(rows.map((row) => [row.key, parsed(row)]))
    },
    setMany: (entries: [string, unknown][]) => {
      const texts = entries.map(([key, value]) => [key, JSON.stringify(value)])
      return run('setMany', [JSON.stringify(Object.fromEntries(texts))])
    },
    touch: (key: string) => run('touch', [key]),
    increment: async (key: string) => Number((await run('increment', [key]))[0]?.number),
  }
}
