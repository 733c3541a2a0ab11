/** One interface for all that is compared. */
import type { Bench } from './bench.ts'

export type Transport = 'tcp' | 'http' | 'memory' | 'tiered'

export interface Line {
  readonly transport: Transport
  /** Added to each round trip. */
  readonly roundTripMs: number
}

/** Each value is kept for this long, by the providers that know of expiry. */
export const TTL_SECONDS = 3_600

/**
 * A method is absent if the library has none: a loop over single calls would not be its answer. Values are plain objects, which
 * the raw drivers encode as JSON themselves.
 */
export interface Provider {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<unknown>
  /** One of many gets in the same tick, if the library must be told to expect them. */
  getInOneTick?(key: string): Promise<unknown>
  getMany?(keys: string[]): Promise<unknown>
  setMany?(entries: [string, unknown][]): Promise<unknown>
  /** Moves the deadline without writing the value. */
  touch?(key: string): Promise<unknown>
  increment?(key: string): Promise<unknown>
  setTagged?(key: string, value: unknown, tags: string[]): Promise<unknown>
  invalidate?(tag: string): Promise<unknown>
  getOrSet?(key: string, compute: () => Promise<unknown>): Promise<unknown>
  close?(): Promise<unknown>
}

export interface Peer {
  readonly name: string
  readonly transports: readonly Transport[]
  /** npm packages whose versions are recorded. */
  readonly packages: readonly string[]
  /**
   * Creates a database, or whatever the peer stores in, and returns a function that opens an instance over it. Returns a text
   * instead if the peer cannot run here: the reason.
   */
  prepare(bench: Bench, line: Line): Promise<(() => Promise<Provider>) | string>
}

export interface OpenProvider extends Provider {
  readonly name: string
}
