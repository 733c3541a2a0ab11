import type { CacheEvent } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { brief, createSite, emptied, heldLeases, type Site, stored, stream } from '../hono/app.ts'
import { FORMS, type Handler } from './forms.ts'
import { answered, createPages, nextGet, type Options, POST, streamed } from './posts.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

describe.each(FORMS)('%s: a failure around the answer to a POST', (form) => {
  const pages = (answer?: Handler, options?: Options) => createPages([form, site], answer, options)

  it('in the handler leaves the stored response, and no lease', async () => {
    const site1 = pages(() => {
      throw new Error('broken')
    })
    await site1.fetch('/a')
    const result = site1.fetch('/a', POST).then(
      ({ status }) => status,
      ({ message }) => message,
    )
    expect(await result).toBe(form === 'Hono' ? 500 : 'broken')
    await site1.settled()
    expect(await heldLeases(site)).toEqual([])
    expect(await nextGet(site1)).toEqual(['hit', 'page of GET'])
  })

  it('in the database before the handler: the answer is sent but not stored', async () => {
    const events: CacheEvent[] = []
    const site1 = pages(
      () => {
        site.faults.heal()
        return answered()
      },
      { cache: { onEvent: (event) => void events.push(event) } },
    )
    await site1.fetch('/a')
    events.length = 0
    site.faults.always({ kind: 'error', status: 500 })
    const response = await site1.fetch('/a', POST)
    expect([brief(response), await response.text()]).toEqual(['fwd=method', 'posted'])
    expect(events).toMatchObject([{ type: 'error', operation: 'responseCache', error: { code: 'DATABASE' } }])
    expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
  })

  it('in the database during the claim: the answer breaks that lease', async () => {
    const site1 = pages(() => {
      site.faults.heal()
      return answered()
    })
    await site1.fetch('/b')
    site.faults.always({ kind: 'lose' })
    const response = await site1.fetch('/a', POST)
    expect(brief(response)).toBe('fwd=method')
    expect([await stored(site), await heldLeases(site)]).toEqual([[expect.stringContaining('/b')], []])
  })

  it('in the invalidation: the answer is sent but not stored', async () => {
    const site1 = pages(() => {
      site.faults.always({ kind: 'error', status: 500 })
      return answered()
    })
    await site1.fetch('/b')
    const response = await site1.fetch('/a', POST)
    expect([brief(response), await response.text()]).toEqual(['fwd=method;detail=DATABASE', 'posted'])
    site.faults.heal()
    expect(await stored(site)).toEqual([expect.stringContaining('/b')])
  })

  it('in the fill: the answer is sent but not stored', async () => {
    const source = stream()
    const events: CacheEvent[] = []
    const site1 = pages(() => streamed(source.body), {
      cache: { onEvent: (event) => void events.push(event) },
    })
    const response = await site1.send('/a', POST)
    site.faults.always({ kind: 'error', status: 500 })
    source.push('posted')
    source.close()
    expect(await response.text()).toBe('posted')
    await site1.settled()
    site.faults.heal()
    expect([await stored(site), events.map(({ type }) => type)]).toEqual([[], ['error']])
  })

  it('in an options function after the handler: the lease is released', async () => {
    let isBroken = false
    const site1 = pages(
      () => {
        isBroken = true
        return answered()
      },
      {
        key: () => {
          if (isBroken) throw new Error('broken')
          return undefined
        },
      },
    )
    const response = await site1.fetch('/a', POST)
    expect([response.status, brief(response)]).toEqual([200, 'fwd=method;detail=UNAVAILABLE'])
    expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
  })
})
