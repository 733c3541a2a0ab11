/** Starts the processes, shows their progress, and collects the history of their clients. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Recorded } from '../load/history.ts'
import { type FromProcess, type LoadOrder, type RoundTrips, STOPPED_BY, type ToProcess } from './load-order.ts'
import { UserError } from './user-error.ts'

interface Seen extends RoundTrips {
  readonly history: readonly Recorded[]
}

const SCRIPT = fileURLToPath(new URL('./load-process.js', import.meta.url))

/** A signal ends the run early, with a report of the calls until then. @throws UserError */
export async function runProcesses(count: number, order: LoadOrder): Promise<Seen> {
  const calls = new Array<number>(count).fill(0)
  const children = calls.map(() => fork(SCRIPT, { serialization: 'advanced', execArgv: [] }))
  const stop = () => {
    for (const child of children) if (child.connected) send(child, 'stop')
  }
  for (const signal of STOPPED_BY) process.on(signal, stop)
  try {
    const seen = await Promise.all(
      children.map((child, i) => {
        send(child, { start: order, first: i * order.plan.clients })
        return historyOf(child, (sofar) => {
          calls[i] = sofar
          showProgress(calls.reduce((sum, n) => sum + n, 0))
        })
      }),
    )
    return {
      history: seen.flatMap(({ history }) => history),
      roundTrips: seen.reduce((sum, { roundTrips }) => sum + roundTrips, 0),
    }
  } finally {
    for (const signal of STOPPED_BY) process.off(signal, stop)
    for (const child of children) child.kill('SIGKILL')
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  }
}

function historyOf(child: ChildProcess, onProgress: (calls: number) => void): Promise<Seen> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: FromProcess) => {
      if ('calls' in message) onProgress(message.calls)
      else if ('history' in message) resolve(message)
      else reject(new UserError(`A process of the load test failed: ${message.problem}`))
    })
    child.on('error', reject)
    child.on('exit', () => reject(new UserError('A process of the load test ended early, and its history is lost.')))
  })
}

const send = (child: ChildProcess, message: ToProcess) => child.send(message)

/** Shows progress only in a terminal. A pipe gets only the report. */
function showProgress(calls: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${calls} calls; Ctrl-C stops the run and prints the report`)
}
