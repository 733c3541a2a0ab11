/** Under Bun, a client gets the same response with the cache as without it. */
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

/** Bun sometimes sends this type for a body of unknown type. For a client it equals no type. */
const UNKNOWN_TYPE = 'application/octet-stream'

/** All properties of a response that a client can observe, except the headers that the cache adds. */
async function seen(path: string, init: RequestInit = {}) {
  const response = await fetch(base + path, init)
  const { status, headers } = response
  const type = headers.get('content-type') ?? UNKNOWN_TYPE
  return { status, type, body: await response.text() }
}

/** Bun copies the media type of these bodies into the headers, which scripts can read. */
const TYPED = ['blob', 'form', 'file']
const UNTYPED = ['text', 'bytes', 'stream', 'direct', 'iterator']
const BODIES = [...TYPED, ...UNTYPED]

describe('under Bun, a body', () => {
  it.each([...TYPED.map((kind) => [kind, '']), ...UNTYPED.map((kind) => [kind, '?type=text/html'])])(
    'has the same type with and without the cache, on a miss and on a hit: %s%s',
    async (kind, query) => {
      const path = `/${kind}/max-age=60${query}`
      const plain = await seen(`/plain${path}`)
      expect(await seen(`/cached${path}`)).toEqual(plain)
      await eventually(async () => expect(await stored(site)).toHaveLength(1))
      expect(brief(await fetch(`${base}/cached${path}`))).toBe('hit')
      expect(await seen(`/cached${path}`)).toEqual(plain)
    },
  )

  it.each(UNTYPED)('with an unreadable type is passed on untouched, and not stored: %s', async (kind) => {
    const plain = await seen(`/plain/${kind}/max-age=60`)
    for (const _ of [1, 2]) expect(await seen(`/cached/${kind}/max-age=60`)).toEqual(plain)
    expect(await stored(site)).toEqual([])
  })

  it.each(BODIES)('that is not stored has the same type with and without the cache: %s', async (body) => {
    for (const method of ['GET', 'POST']) {
      expect(await seen(`/cached/${body}/private`, { method })).toEqual(
        await seen(`/plain/${body}/private`, { method }),
      )
    }
  })
})

describe('under Bun, a response without content', () => {
  it.each([204, 205, 304])('with status %i is the same with and without the cache', async (status) => {
    for (const method of ['GET', 'POST']) {
      expect(await seen(`/cached/status/${status}`, { method })).toEqual(
        await seen(`/plain/status/${status}`, { method }),
      )
    }
  })
})
