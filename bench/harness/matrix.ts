/** The combinations that the questions about single calls go through. */
import type { Bench } from './bench.ts'
import { measure, rateCells, slicesOf, type Variant } from './measure.ts'
import { openProviders } from './peers.ts'
import type { OpenProvider, Provider } from './provider.ts'
import type { Case, Figure } from './question.ts'
import { sizeName } from './values.ts'

export interface Combination {
  readonly bytes: number
  readonly atOnce: number
  readonly roundTripMs: number
}

const CALLS_AT_ONCE = [1, 32]
const ROUND_TRIPS_MS = [0, 10]

interface MatrixOptions {
  readonly sizes: readonly number[]
  /** The size at which concurrency and round-trip time vary, unless all combinations are measured. */
  readonly usual: number
  /** Prepares a provider for one size, and returns what to measure. */
  variant(provider: OpenProvider, bytes: number): Promise<Variant>
  can(provider: Provider): unknown
  readonly title: string
  readonly note?: string
  /** A call takes so long that many at once, each a longer round trip away, would say nothing new. */
  readonly isSlow?: boolean
}

export function combinations({ sizes, usual, isSlow }: MatrixOptions, isFull: boolean): Combination[] {
  const all = ROUND_TRIPS_MS.flatMap((roundTripMs) =>
    CALLS_AT_ONCE.flatMap((atOnce) => sizes.map((bytes) => ({ bytes, atOnce, roundTripMs }))),
  )
  if (isFull) return all
  return all.filter(({ bytes, atOnce, roundTripMs }) => {
    const changed = Number(bytes !== usual) + Number(atOnce > 1) + Number(roundTripMs > 0)
    return changed < 2 || (bytes === usual && !isSlow)
  })
}

/** One figure for TCP and one for HTTP. */
export async function matrix(bench: Bench, options: MatrixOptions): Promise<Figure[]> {
  const { settings } = bench
  const wanted = combinations(options, settings.isFullMatrix)
  const figures: Figure[] = []
  for (const transport of ['tcp', 'http'] as const) {
    const cases: Case[] = []
    let absent: Readonly<Record<string, string>> = {}
    for (const roundTripMs of ROUND_TRIPS_MS) {
      const opened = await openProviders(bench, { transport, roundTripMs }, options.can)
      absent = opened.absent
      const sizes = options.sizes.filter((bytes) =>
        wanted.some((one) => one.bytes === bytes && one.roundTripMs === roundTripMs),
      )
      for (const bytes of sizes) {
        const variants: Variant[] = []
        for (const provider of opened.providers) variants.push(await options.variant(provider, bytes))
        const here = wanted.filter((one) => one.bytes === bytes && one.roundTripMs === roundTripMs)
        for (const { atOnce } of here) {
          const samples = await measure(variants, slicesOf(settings, atOnce))
          cases.push({ name: caseName({ bytes, atOnce, roundTripMs }), cells: rateCells(samples, 'pgstash') })
        }
      }
      await opened.close()
    }
    const title = `${options.title} over ${transport.toUpperCase()}`
    const note = options.note === undefined ? {} : { note: options.note }
    figures.push({ title, unit: 'calls per second', better: 'higher', cases, absent, ...note })
  }
  return figures
}

function caseName({ bytes, atOnce, roundTripMs }: Combination): string {
  return `${sizeName(bytes)}, ${atOnce === 1 ? '1 call' : `${atOnce} calls`} at once, ${roundTripMs} ms`
}
