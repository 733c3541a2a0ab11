/** Runs variants in turn, several rounds of each, so that a machine whose speed drifts treats them alike. */
export interface Variant {
  readonly name: string
  /** One round; answers with how many operations it made. */
  run(): Promise<number>
}

const ROUNDS = 5

/** Prints the median rate of each variant, and its ratio to the first. */
export async function compare(title: string, variants: readonly Variant[]): Promise<void> {
  const rates = variants.map((): number[] => [])
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, variant] of variants.entries()) {
      const startedAt = performance.now()
      const operations = await variant.run()
      // The first round warms up.
      if (round > 0) rates[i]?.push(operations / ((performance.now() - startedAt) / 1_000))
    }
  }
  const medians = rates.map((own) => own.sort((a, b) => a - b)[Math.floor(own.length / 2)] ?? 0)
  console.log(`\n${title}`)
  for (const [i, { name }] of variants.entries()) {
    const rate = medians[i] ?? 0
    console.log(
      `  ${name.padEnd(48)} ${Math.round(rate).toLocaleString('en').padStart(9)}/s  ×${(rate / (medians[0] ?? 1)).toFixed(2)}`,
    )
  }
}

/** Runs `work` on each item, so many at once. */
export async function atOnce<T>(count: number, items: Iterable<T>, work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value)
    }),
  )
}
