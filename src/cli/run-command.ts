/** Runs another command with additional environment variables, until it ends or this process is stopped. */
import { constants } from 'node:os'
import { delimiter, join, parse } from 'node:path'
import { EXIT } from './exit-codes.ts'
import { note } from './output.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** A shell's exit code for a command that does not exist. */
const NOT_FOUND = 127
/** As in a shell, the exit code after a signal is this plus the number of the signal. */
const ENDED_BY_SIGNAL = 128

/**
 * Forwards signals to the command, and resolves with its exit code once it has ended.
 *
 * @param stopping aborts if the command should end although no signal came, for example because npm has ended
 */
export async function runCommand(
  [file = '', ...args]: readonly string[],
  variables: Record<string, string>,
  stopping: AbortSignal,
): Promise<number> {
  // A terminal sends Ctrl-C to all foreground processes, and only those may read from it, so the command stays in this
  // group. Without a terminal it gets its own group, so that signals also reach the processes that it starts.
  const isTerminal = process.stdin.isTTY === true
  const hasGroup = !isTerminal && process.platform !== 'win32'
  const env = { ...process.env, ...variables, ...localPrograms() }
  // Loaded here, because only `pgstash dev -- command` needs it.
  const { default: spawn } = await import('cross-spawn')
  const child = spawn(file, args, { stdio: 'inherit', env, detached: hasGroup })
  const send = (signal: NodeJS.Signals) => {
    try {
      if (hasGroup && child.pid !== undefined) process.kill(-child.pid, signal)
      else child.kill(signal)
    } catch {
      // The command has already ended.
    }
  }
  const pass = (signal: NodeJS.Signals) => {
    if (!(isTerminal && signal === 'SIGINT')) send(signal)
  }
  for (const signal of SIGNALS) process.on(signal, pass)
  stopping.addEventListener('abort', () => send('SIGTERM'))
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT'
      note(`pgstash: cannot run ${file}: ${isMissing ? 'no such command' : (error.code ?? 'unknown reason')}.`)
      resolve(isMissing ? NOT_FOUND : EXIT.failure)
    })
    child.once('exit', (code, signal) => {
      // From now on, Ctrl-C ends this process.
      for (const name of SIGNALS) process.off(name, pass)
      // Stop processes that the command started and left behind.
      if (hasGroup) send('SIGTERM')
      resolve(code ?? ENDED_BY_SIGNAL + (signal ? constants.signals[signal] : 0))
    })
  })
}

/** Returns a `PATH` that starts with the project's own programs, as in the scripts of its package.json. */
function localPrograms(): Record<string, string> {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH'
  const folders: string[] = []
  const { root } = parse(process.cwd())
  for (let folder = process.cwd(); ; folder = join(folder, '..')) {
    folders.push(join(folder, 'node_modules', '.bin'))
    if (folder === root) break
  }
  return { [name]: [...folders, process.env[name] ?? ''].join(delimiter) }
}
