/** Programs that run in processes of their own, so that they do not share an event loop with the client. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Child {
  readonly pid: number
  /** Sends a message and returns the program's answer. */
  ask<T>(message: unknown): Promise<T>
  stop(): void
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** @param file below bench/processes */
export function startChild(file: string): Child {
  const child: ChildProcess = fork(fileURLToPath(new URL(`../processes/${file}`, import.meta.url)), {
    execArgv: process.execArgv,
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  child.on('message', ({ id, result, error }: Answer) => {
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(result)
    else call?.reject(new Error(error))
  })
  child.on('exit', () => {
    for (const call of waiting.values()) call.reject(new Error(`${file} ended before it answered.`))
  })
  let next = 0
  return {
    pid: child.pid ?? 0,
    ask<T>(message: unknown) {
      const id = next++
      child.send({ id, message })
      return new Promise<T>((resolve, reject) => {
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      })
    },
    stop: () => child.kill(),
  }
}

/** Answers the messages of the process that started this one. */
export function answer(work: (message: never) => Promise<unknown>): void {
  process.on('message', async ({ id, message }: { id: number; message: never }) => {
    try {
      process.send?.({ id, result: await work(message) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  // The starter may be killed without a chance to stop this process.
  process.on('disconnect', () => process.exit())
}
