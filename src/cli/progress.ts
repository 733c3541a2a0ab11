/** Shows progress as a bar in a terminal, and as an occasional line in a pipe. */
import { number as count } from '../doctor/figures.ts'
import { now } from '../values/clock.ts'
import { note } from './output.ts'

export interface Progress {
  at(done: number): void
  end(): void
}

/** Often enough that a log shows progress, rare enough not to fill it. */
const LINE_EVERY_MS = 5_000

/**
 * @param total an estimate; a larger count raises it
 * @param done the verb of the lines
 */
export async function startProgress(total: number, done = 'removed'): Promise<Progress> {
  return process.stderr.isTTY ? bar(total) : lines(total, done)
}

async function bar(total: number): Promise<Progress> {
  // Loaded here, because most commands show no bar.
  const { Presets, SingleBar } = await import('cli-progress')
  const format = '{bar} {percentage}%  {value} of {total}  {rate}/s  {eta_formatted} left'
  const shown = new SingleBar(
    {
      format,
      stream: process.stderr,
      hideCursor: true,
      etaBuffer: 20,
      // The bar's own Ctrl-C handler would end the process in the middle of a batch.
      gracefulExit: false,
      formatValue: (value, _options, type) => (type === 'value' || type === 'total' ? count(value) : String(value)),
    },
    Presets.shades_classic,
  )
  const startedAt = now()
  shown.start(total, 0, { rate: '0' })
  return {
    at(done) {
      if (done > shown.getTotal()) shown.setTotal(done)
      const seconds = Math.max(0.001, (now() - startedAt) / 1000)
      shown.update(done, { rate: count(Math.round(done / seconds)) })
    },
    end: () => shown.stop(),
  }
}

function lines(total: number, verb: string): Progress {
  const startedAt = now()
  let saidAt = startedAt
  return {
    at(done) {
      const at = now()
      if (at - saidAt < LINE_EVERY_MS) return
      saidAt = at
      const rate = Math.round((done * 1000) / (at - startedAt))
      note(`${count(done)} of ${count(Math.max(done, total))} ${verb}, ${count(rate)}/s`)
    },
    end() {},
  }
}
