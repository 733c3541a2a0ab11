/** The CPU time of other processes for each call. Only Linux tells it. */
import { readdir, readFile } from 'node:fs/promises'
import { spread, type Variant } from './measure.ts'
import type { Cell } from './question.ts'

export interface Meter {
  /** @param cpu milliseconds of CPU so far of the process that serves this variant, and no other */
  variant(variant: Variant, cpu: () => Promise<number | undefined>): Variant
  /** CPU milliseconds for each call, by variant. Empty where the system does not tell. */
  cells(baseline?: string): Promise<Cell[]>
}

/** Reads the clock of each process at the start of each slice, so work that a process does after its slice counts as well. */
export function createMeter(): Meter {
  const meters: { readonly name: string; readonly perCall: number[]; mark(): Promise<void> }[] = []
  return {
    variant(variant, cpu) {
      const perCall: number[] = []
      let calls = 0
      let from: number | undefined
      const mark = async () => {
        const now = await cpu()
        if (now !== undefined && from !== undefined && calls > 0) perCall.push((now - from) / calls)
        from = now
        calls = 0
      }
      meters.push({ name: variant.name, perCall, mark })
      return {
        ...variant,
        async before() {
          await variant.before?.()
          await mark()
        },
        async run(i) {
          await variant.run(i)
          calls++
        },
      }
    },
    async cells(baseline) {
      for (const { mark } of meters) await mark()
      // The first round warms up.
      const counted = meters.map(({ name, perCall }) => ({ name, values: perCall.slice(1) }))
      const base = counted.find(({ name }) => name === baseline)?.values
      return counted.flatMap(({ name, values }): Cell[] => {
        if (values.length === 0) return []
        const ratio = base && spread(values.map((value, round) => value / (base[round] ?? Number.NaN)))
        return [{ provider: name, ...spread(values), ...(ratio && { ratio }) }]
      })
    },
  }
}

/** The first field of `schedstat` is the time on a CPU in nanoseconds. */
export async function cpuMs(pid: string | number): Promise<number | undefined> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  let sum = 0
  for (const thread of threads) {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    sum += Number(text.split(' ')[0]) / 1e6
  }
  return threads.length === 0 ? undefined : sum
}
