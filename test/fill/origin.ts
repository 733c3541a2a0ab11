/** A server that computations call. It counts the calls, and answers when a test wants it to. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { eventually } from '../setup/eventually.ts'

/** Returns the answer to the call with this number, counted from 1. If it throws, the answer is a failure. */
export type OriginAnswer = (call: number) => Promise<string> | string

export interface Origin {
  readonly url: string
  /** Decides how the calls of a key are answered. */
  answers(key: string, answer: OriginAnswer): void
  calls(key: string): number
  /** Resolves once a key was requested this many times. */
  called(key: string, times?: number): Promise<void>
  /** Resolves once this many requests of workers have announced a call. */
  arrived(key: string, count: number): Promise<void>
  /** Resolves once this many callers have left without an answer. */
  abandoned(key: string, count?: number): Promise<void>
}

interface Asked {
  answer: OriginAnswer
  calls: number
  arrived: number
  abandoned: number
}

export async function startOrigin(): Promise<Origin> {
  const keys = new Map<string, Asked>()
  const of = (key: string): Asked => {
    const asked = keys.get(key) ?? { answer: () => key, calls: 0, arrived: 0, abandoned: 0 }
    keys.set(key, asked)
    return asked
  }
  const until = (what: () => number, count: number) => eventually(() => expect(what()).toBeGreaterThanOrEqual(count))

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const path = decodeURIComponent(request.url?.slice(1) ?? '')
    const arriving = /^arrived\/(.*)$/.exec(path)?.[1]
    if (arriving !== undefined) {
      of(arriving).arrived++
      return response.end()
    }
    const asked = of(path)
    response.on('close', () => {
      if (!response.writableFinished) asked.abandoned++
    })
    try {
      response.end(await asked.answer(++asked.calls))
    } catch (error) {
      response.writeHead(503).end(String(error))
    }
  }
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers(key, answer) {
      of(key).answer = answer
    },
    calls: (key) => of(key).calls,
    called: (key, times = 1) => until(() => of(key).calls, times),
    arrived: (key, count) => until(() => of(key).arrived, count),
    abandoned: (key, count = 1) => until(() => of(key).abandoned, count),
  }
}
