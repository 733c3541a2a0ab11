import type pg from 'pg'
import type { Bench } from '../harness/bench.ts'
import { each, measure, once, rateCells, slicesOf } from '../harness/measure.ts'
import type { Case, Cell, Figure, Question } from '../harness/question.ts'
import { RAW, RAW_TABLE } from '../harness/raw-table.ts'
import { bySize } from '../harness/settings.ts'
import { one, openSites, walBytes } from '../harness/site.ts'
import { at, KILOBYTE, sampleValue, sizeName } from '../harness/values.ts'

const SIZES = [KILOBYTE, 256 * KILOBYTE]
const VALUES = 7

interface Target {
  readonly name: string
  readonly pool: pg.Pool
  readonly table: string
  touch(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<unknown>
}

async function targets(bench: Bench): Promise<Target[]> {
  const sites = await openSites(bench, { expiration: '1h' })
  const pool = bench.createPool(await bench.createDatabase())
  await pool.query(`${RAW_TABLE}; create index on cache (expires_at)`)
  const run = (name: 'touch' | 'set', values: unknown[]) => pool.query({ name, text: RAW[name], values })
  return [
    ...sites.map(({ name, pool, cache }) => ({
      name,
      pool,
      table: 'cache_entries',
      touch: (key: string) => cache.touch(key, '1h'),
      set: (key: string, value: unknown) => cache.set(key, value),
    })),
    {
      name: 'raw pg, index on expires_at',
      pool,
      table: 'cache',
      touch: (key) => run('touch', [key]),
      set: (key, value) => run('set', [key, JSON.stringify(value)]),
    },
  ]
}

const heapOnly = `select 100.0 * n_tup_hot_upd / nullif(n_tup_upd, 0) from pg_stat_user_tables where relname = $1`
const toastBytes = `select coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0) from pg_class where relname = $1`

/** The disk space that many touches leave behind. */
async function traces(all: readonly Target[], touches: number, rows: number) {
  const heap: Cell[] = []
  const indexes: Cell[] = []
  for (const { name, pool, table, touch, set } of all) {
    const keys = Array.from({ length: rows }, (_, i) => `row:${i}`)
    await each(keys, (key, i) => set(key, sampleValue(100, i)))
    await pool.query(`vacuum analyze ${table}`)
    await pool.query('select pg_stat_reset_single_table_counters($1::regclass)', [table])
    const before = Number(await one(pool, `select pg_indexes_size('${table}')`))
    await each(Array.from({ length: touches }), (_, i) => touch(at(keys, i * 7_919)))
    // Statistics arrive when a session has been idle, so ask for them.
    await each(Array.from({ length: 32 }), () => pool.query('select pg_stat_force_next_flush()'))
    heap.push(once(name, Number(await one(pool, heapOnly, [table]))))
    indexes.push(once(name, Number(await one(pool, `select pg_indexes_size('${table}')`)) / before))
  }
  return { heap, indexes }
}

export default {
  title: 'What does a touch cost?',
  about: `A touch moves the deadline of an entry, and a set writes the entry again. pgstash indexes the deadline in slots of ten minutes, so a
    touch within a slot changes no index and stays on its page (heap-only). The raw table has the usual index on the deadline itself.`,
  async run(bench) {
    const all = await targets(bench)
    const rates: Case[] = []
    const wal: Case[] = []
    const toast: Case[] = []
    for (const bytes of SIZES) {
      const keys = Array.from({ length: 16 }, (_, i) => `size:${bytes}:${i}`)
      const values = Array.from({ length: VALUES }, (_, i) => sampleValue(bytes, i))
      for (const { set } of all) await each(keys, (key, i) => set(key, at(values, i)))
      const touching = (target: Target) => (i: number) => target.touch(at(keys, i))
      const setting = (target: Target) => (i: number) => target.set(at(keys, i), at(values, i))
      for (const [what, work] of [['touch', touching] as const, ['set', setting] as const]) {
        const variants = all.map((target) => ({ name: target.name, run: work(target) }))
        const name = `${what}, ${sizeName(bytes)}`
        rates.push({ name, cells: rateCells(await measure(variants, slicesOf(bench.settings)), 'pgstash') })
        const written: Cell[] = []
        const grown: Cell[] = []
        const calls = bySize(bench.settings, 32, 200)
        for (const target of all) {
          await target.pool.query(`vacuum ${target.table}`)
          const before = Number(await one(target.pool, toastBytes, [target.table]))
          written.push(once(target.name, await walBytes(target.pool, calls, work(target))))
          const after = Number(await one(target.pool, toastBytes, [target.table]))
          grown.push(once(target.name, (after - before) / (2 * calls)))
        }
        wal.push({ name, cells: written })
        toast.push({ name, cells: grown })
      }
    }
    const size = bySize(bench.settings, [1_000, 1_000], [20_000, 20_000], [60_000, 20_000]) as [number, number]
    const { heap, indexes } = await traces(all, ...size)
    const touches = `after ${size[0].toLocaleString('en')} touches`
    return [
      { title: 'Touches and sets, one connection', unit: 'calls per second', better: 'higher', cases: rates },
      { title: 'Write-ahead log for each call', unit: 'bytes', better: 'lower', cases: wal },
      { title: 'Growth of the TOAST table for each call', unit: 'bytes', better: 'lower', cases: toast },
      { title: 'Heap-only updates', unit: 'percent', better: 'higher', cases: [{ name: touches, cells: heap }] },
      { title: 'Growth of the indexes', unit: 'times', better: 'lower', cases: [{ name: touches, cells: indexes }] },
    ] satisfies Figure[]
  },
} satisfies Question
