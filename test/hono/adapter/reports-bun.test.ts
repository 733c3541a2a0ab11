/** Under Bun, a client sees the same response with the cache as without it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bin, ROOT } from '../../package/packed.ts'
import { cleanup } from '../../setup/cleanup.ts'
import { eventually } from '../../setup/eventually.ts'
import { brief, createSite, emptied, type Site, stored } from '../app.ts'

let site: Site
let base: string
beforeAll(async () => {
  site = await createSite()
  const env = { ...process.env, ENDPOINT: site.server.endpoint, DATABASE_URL: site.server.connectionString }
  const child = spawn(bin('bun'), ['test/hono/adapter/bun-server.mjs'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanup(() => child.kill())
  const [port] = await once(child.stdout, 'data')
  base = `http://127.0.0.1:${String(port).trim()}`
})
beforeEach(() => emptied(site))

/** Bun sends this type for a body whose type nobody knows, but not always. To a client it means the same as none. */
const UNKNOWN_TYPE = 'application/octet-stream'

/** What a client can tell of a response, apart from the cache's own fields. */
async function seen(path: string, init: RequestInit = {}) {
  const response = await fetch(base + path, init)
  const { status, headers } = response
  const type = headers.get('content-type') ?? UNKNOWN_TYPE
  return { status, type, body: await response.text() }
}

const BODIES = ['text', 'bytes', 'blob', 'form', 'file', 'stream', 'direct', 'iterator']

describe('under Bun, a body', () => {
  it.each(BODIES)('of kind %s has the type that it has without the cache, on a miss and on a hit', async (body) => {
    const plain = await seen(`/plain/${body}/max-age=60`)
    expect(await seen(`/cached/${body}/max-age=60`)).toEqual(plain)
    await eventually(async () => expect(await stored(site)).toHaveLength(1))
    expect(brief(await fetch(`${base}/cached/${body}/max-age=60`))).toBe('hit')
    expect(await seen(`/cached/${body}/max-age=60`)).toEqual(plain)
  })

  it.each(BODIES)('of kind %s that is not stored has the type that it has without the cache', async (body) => {
    for (const method of ['GET', 'POST']) {
      expect(await seen(`/cached/${body}/private`, { method })).toEqual(
        await seen(`/plain/${body}/private`, { method }),
      )
    }
  })
})

describe('under Bun, a response without content', () => {
  it.each([204, 205, 304])('of status %i is sent as without the cache', async (status) => {
    for (const method of ['GET', 'POST']) {
      expect(await seen(`/cached/status/${status}`, { method })).toEqual(
        await seen(`/plain/status/${status}`, { method }),
      )
    }
  })
})
