import { InvalidOptionError } from 'pgstash'
import { type ResponseCacheOptions, withResponseCache } from 'pgstash/fetch'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { absolute, age, brief, createSite, emptied, fresh, ownCache, type Site, stored } from '../hono/app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

type Options = Partial<ResponseCacheOptions<[request: Request, session: string | undefined]>>

const cookieUser = ({ headers }: Request) => /user=(\w+)/.exec(headers.get('cookie') ?? '')?.[1]
const as = (user: string) => ({ cookie: `user=${user}` })

/** A page that names its user, behind a cache. */
function pages(options: Options, onRun = () => {}) {
  const calls: Request[] = []
  const background: Promise<unknown>[] = []
  const handle = withResponseCache(
    (request: Request, _session: string | undefined) => {
      calls.push(request)
      onRun()
      return new Response(`for ${cookieUser(request)}`, { headers: fresh })
    },
    { cache: ownCache(site), waitUntil: (work) => void background.push(work), ...options },
  )
  const get = async (headers: Record<string, string> = {}, session?: string) => {
    const response = await handle(new Request(absolute('/a'), { headers }), session)
    const text = await response.text()
    while (background.length > 0) await Promise.all(background.splice(0))
    return [text, brief(response)]
  }
  return { get, calls }
}

describe('the option authenticated', () => {
  it('separates users that it recognizes by a cookie', async () => {
    const { get, calls } = pages({ authenticated: cookieUser })
    for (const user of ['alice', 'bob']) expect(await get(as(user))).toEqual([`for ${user}`, 'fwd=uri-miss;stored'])
    for (const user of ['alice', 'bob']) expect(await get(as(user))).toEqual([`for ${user}`, 'hit'])
    expect([(await get())[0], (await get())[1], calls.length]).toEqual(['for undefined', 'hit', 3])
  })

  it('gets the extra arguments of the handler', async () => {
    const { get } = pages({ authenticated: (_request, session) => session })
    expect(await get({}, 'alice')).toEqual(['for undefined', 'fwd=uri-miss;stored'])
    expect([(await get({}, 'bob'))[1], (await get({}, 'alice'))[1]]).toEqual(['fwd=uri-miss;stored', 'hit'])
  })

  it.each<[string, unknown, Record<string, string>, string]>([
    ['an empty name', '', {}, 'fwd=bypass'],
    ['undefined with Authorization', undefined, { authorization: 'a' }, 'fwd=bypass'],
    ['null with Authorization', null, { authorization: 'a' }, 'fwd=bypass'],
    ['null', null, {}, 'fwd=uri-miss;stored'],
    ['a number', 7, {}, 'fwd=uri-miss;stored'],
    ['a bigint', 7n, { authorization: 'a' }, 'fwd=uri-miss;stored'],
  ])('that returns %s decides whether the request is cached', async (_name, value, headers, how) => {
    const { get } = pages({ authenticated: (() => value) as never })
    expect((await get(headers))[1]).toBe(how)
  })

  it.each<[string, unknown]>([
    ['a promise', Promise.resolve('alice')],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['an object', { id: 1 }],
    ['a list', ['alice']],
    ['false', false],
    ['a symbol', Symbol('alice')],
  ])('that returns %s is refused, and no handler runs', async (_name, value) => {
    for (const name of ['authenticated', 'key']) {
      const { get, calls } = pages({ [name]: () => value })
      await expect(get()).rejects.toThrow(InvalidOptionError)
      expect(calls).toEqual([])
    }
  })

  it('that throws gives nobody the page of another user', async () => {
    const { get } = pages({
      authenticated: (request) => {
        if (request.headers.has('x-broken')) throw new Error('no session store')
        return cookieUser(request)
      },
    })
    await get(as('alice'))
    await expect(get({ ...as('alice'), 'x-broken': '1' })).rejects.toThrow('no session store')
  })

  it('that changes while the handler runs stores nothing', async () => {
    let user: string | undefined
    const { get } = pages({ authenticated: () => user }, () => {
      user = 'alice'
    })
    expect((await get())[1]).toBe('fwd=uri-miss;detail=key')
    expect(await stored(site)).toEqual([])
  })

  it('that changes while a refresh runs stores nothing', async () => {
    let user = 'alice'
    let runs = 0
    const { get } = pages({ authenticated: () => user, stale: '1h' }, () => {
      if (++runs === 2) user = 'bob'
    })
    await get(as('alice'))
    await age(site, 70_000)
    expect(await get(as('bob'))).toEqual(['for alice', 'hit'])
    user = 'alice'
    expect(await get(as('alice'))).toEqual(['for alice', 'hit'])
    expect([runs, (await stored(site)).length]).toEqual([2, 1])
  })
})
