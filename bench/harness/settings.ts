/** How large a run is. */

export type Mode = 'quick' | 'default' | 'full'

export interface Settings {
  readonly mode: Mode
  /** Counted rounds; one more warms up. */
  readonly rounds: number
  /** How long each provider runs in a round. */
  readonly sliceMs: number
  /** Numbers of entries for the questions about growth. */
  readonly entries: readonly number[]
  /** Measures every combination of size, concurrency and round-trip time; otherwise one factor at a time. */
  readonly isFullMatrix: boolean
}

const MODES: Record<Mode, Settings> = {
  // Proves that the harness works. Its figures mean nothing.
  quick: { mode: 'quick', rounds: 2, sliceMs: 60, entries: [10_000, 50_000], isFullMatrix: false },
  default: { mode: 'default', rounds: 5, sliceMs: 200, entries: [10_000, 1_000_000, 3_000_000], isFullMatrix: false },
  full: {
    mode: 'full',
    rounds: 9,
    sliceMs: 400,
    entries: [10_000, 100_000, 1_000_000, 3_000_000, 10_000_000],
    isFullMatrix: true,
  },
}

export function settingsOf(mode: Mode, given: { rounds?: number; entries?: readonly number[] }): Settings {
  const base = MODES[mode]
  return { ...base, rounds: given.rounds ?? base.rounds, entries: given.entries ?? base.entries }
}

/** Picks a number by the size of the run. */
export function bySize<T>({ mode }: Settings, quick: T, normal: T, full: T = normal): T {
  return { quick, default: normal, full }[mode]
}
