/** The shape of a question and of its answer. */
import type { Bench } from './bench.ts'

/** One file of `questions/`. */
export interface Question {
  /** The heading in docs/benchmarks.md. */
  readonly title: string
  /** Says which work is measured, and how to read the figures: one paragraph of Markdown. */
  readonly about: string
  run(bench: Bench): Promise<Figure[]>
}

/** Median and quartiles of the rounds. */
export interface Spread {
  readonly median: number
  readonly q1: number
  readonly q3: number
  /** How many rounds. */
  readonly rounds: number
}

/** The result of one provider in one case. */
export interface Cell extends Spread {
  readonly provider: string
  /** Time over, or rate under, the baseline of the same round. */
  readonly ratio?: Spread
}

/** One row of a figure, such as "1 KB, 32 calls at once". */
export interface Case {
  readonly name: string
  readonly cells: readonly Cell[]
}

/** One table and one plot. */
export interface Figure {
  readonly title: string
  readonly unit:
    | 'calls per second'
    | 'milliseconds'
    | 'nanoseconds'
    | 'bytes'
    | 'megabytes'
    | 'times'
    | 'percent'
    | 'count'
  readonly better: 'higher' | 'lower'
  readonly cases: readonly Case[]
  /** One sentence about how to read it. */
  readonly note?: string
  /** Providers that cannot answer, with the reason. */
  readonly absent?: Readonly<Record<string, string>>
  /** The bound of each case. Only the figures of `goals` have it. */
  readonly goals?: Readonly<Record<string, number>>
}
