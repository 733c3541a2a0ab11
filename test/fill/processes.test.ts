/** Clients in separate processes, which can be killed. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { beforeAll, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createSite, type Site, times } from './clients.ts'
import type { Order } from './process-client.ts'

const PROCESSES = 10
const KEYS = times(20, (i) => `key ${i}`)

let site: Site
let script: string
let origin: Awaited<ReturnType<typeof startOrigin>>

beforeAll(async () => {
  site = await createSite()
  origin = await startOrigin()
  const folder = await mkdtemp(join(tmpdir(), 'pgstash-processes-'))
  cleanup(() => rm(folder, { recursive: true, force: true }))
  script = join(folder, 'client.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('./process-client.ts', import.meta.url))],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    alias: { pgstash: fileURLToPath(new URL('../../src/index.ts', import.meta.url)) },
  })
})

it('10 processes compute each of 20 keys once, and all get the value', async () => {
  const answers = await Promise.all(times(PROCESSES, () => ask(start(), { keys: KEYS, lease: '30s' })))
  const expected = Object.fromEntries(KEYS.map((key) => [key, `computed ${key}`]))
  expect(answers).toEqual(times(PROCESSES, () => expected))
  expect(origin.asked.toSorted()).toEqual(KEYS.toSorted())
})

it('another process takes over from a killed one once its lease has run out', async () => {
  origin.hold('held')
  const holder = start()
  void ask(holder, { keys: ['held'], lease: '700ms' }).catch(() => {})
  await expect.poll(() => origin.asked.filter((key) => key === 'held').length, { timeout: 20_000 }).toBe(1)
  const waiter = ask(start(), { keys: ['held'], lease: '5s' })
  holder.kill('SIGKILL')
  origin.hold(undefined)
  expect(await waiter).toEqual({ held: 'computed held' })
  expect(origin.asked.filter((key) => key === 'held')).toHaveLength(2)
  expect(await site.client().get('held')).toBe('computed held')
})

function start(): ChildProcess {
  const { connectionString, endpoint } = site.server
  const env = { DATABASE_URL: connectionString, ENDPOINT: endpoint, ORIGIN: origin.url }
  const child = fork(script, { env: { ...process.env, ...env }, execArgv: [] })
  cleanup(() => child.kill('SIGKILL'))
  return child
}

function ask(child: ChildProcess, order: Order): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', (answer) => {
      child.kill()
      resolve(answer)
    })
    child.once('exit', () => reject(new Error('The process ended without an answer.')))
    child.send(order)
  })
}

/** The origin of the computations. It counts calls, and can be slow. */
async function startOrigin() {
  const asked: string[] = []
  let held: string | undefined
  const server = createServer((message, response) => {
    const key = decodeURIComponent(message.url?.slice(1) ?? '')
    asked.push(key)
    if (key !== held) setTimeout(() => response.end(`computed ${key}`), 30)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Requests for this key get no answer. */
    hold(key: string | undefined): void {
      held = key
    },
  }
}
