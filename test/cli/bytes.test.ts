/** Values that are bytes: the commands pass them through unchanged. */
import { once } from 'node:events'
import { buffer, text } from 'node:stream/consumers'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { describe, expect, it } from 'vitest'
import { createPool } from '../setup/databases.ts'
import { createSite, inTerminal, spawnCommand, WAYS } from './command.ts'

const BYTES = Uint8Array.from({ length: 256 }, (_, i) => i)

describe.each(WAYS)('commands on values that are bytes, %s', (way) => {
  async function createPlace() {
    const { variables, url } = await createSite(way)
    const pgstash = async (args: string[], input?: string | Uint8Array) => {
      const child = spawnCommand(args, variables, input)
      const [out, err, [code]] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')])
      return { code, out: new Uint8Array(out), err }
    }
    return { pgstash, variables, cache: createCache(drizzle(createPool(url))) }
  }

  it('store standard input, and print it unchanged', async () => {
    const { pgstash, cache } = await createPlace()
    expect(await pgstash(['set', 'logo', '-', '--bytes'], BYTES)).toMatchObject({ code: 0, err: '' })
    expect(await cache.get('logo')).toEqual(BYTES)
    expect(await pgstash(['get', 'logo'])).toEqual({ code: 0, out: BYTES, err: '' })
    expect(String(Buffer.from((await pgstash(['get', 'logo', '--raw'])).out))).toMatch(/^bytes:AAEC.*\n$/)
    expect(await pgstash(['set', 'empty', '-', '--bytes'])).toMatchObject({ code: 0 })
    expect(await cache.get('empty')).toEqual(new Uint8Array())
    expect(await pgstash(['get', 'empty'])).toEqual({ code: 0, out: new Uint8Array(), err: '' })
  })

  it('require - with --bytes, and otherwise store nothing', async () => {
    const { pgstash, cache } = await createPlace()
    const { code, err } = await pgstash(['set', 'logo', '"secret"', '--bytes'], BYTES)
    expect([code, err]).toEqual([2, 'pgstash: Expected - as the value, because --bytes reads standard input.\n'])
    expect(await cache.has('logo')).toBe(false)
  })

  it('export and import bytes', async () => {
    const { pgstash, cache } = await createPlace()
    await cache.set('logo', BYTES, { tags: ['logos'] })
    const { out } = await pgstash(['export'])
    await cache.clear()
    expect(await pgstash(['import'], out)).toMatchObject({ code: 0 })
    expect(await cache.get('logo')).toEqual(BYTES)
  })

  it('refuse to print bytes to a terminal, which would obey some of them', async () => {
    const { cache, variables } = await createPlace()
    await cache.set('logo', BYTES)
    const { shows, raw } = inTerminal(['get', 'logo'], variables)
    await shows('The value is not text (256 bytes): redirect it to a file with >.')
    await shows('[ended with 0]')
    expect(raw()).not.toContain('\u0007')
  })
})
