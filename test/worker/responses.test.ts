import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type City, type Demo, KINDS, startDemo, until } from './harness.ts'

const NEAR = '/cities/near?lat=35.7&lng=51.42'
const NEAR_KEY = '/cities/near?lat=35.7&lng=51.42&limit=10'

describe.each(KINDS)('answers over %s', (kind) => {
  let demo: Demo
  beforeAll(async () => {
    demo = await startDemo(kind)
  })
  beforeEach(() => demo.empty())

  const patch = (id: number, body: unknown, headers: Record<string, string> = {}) =>
    demo.fetch(`/cities/${id}`, { method: 'PATCH', body: JSON.stringify(body), headers })
  const statusOf = async (path: string) => (await demo.ask(path)).cache?.split(';')[0]?.replace('uri-', '')

  it('are computed once and then come from the cache, in one request to the database', async () => {
    const first = await demo.ask(NEAR)
    expect(first.cache).toBe('fwd=uri-miss;stored')
    let second = first
    expect(await demo.counted(async () => (second = await demo.fetch(NEAR)))).toBe(1)
    expect(second.headers.get('cache-status')).toMatch(/^pgstash;hit;ttl=(4\d|50)$/)
    expect(second.text).toBe(first.text)
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'))
    expect(second.headers.get('cache-control')).toBe('public, no-cache')
  })

  it('list the nearest cities by distance', async () => {
    const { json } = await demo.fetch(`${NEAR}&limit=3`)
    const cities: City[] = json.cities
    expect(cities.map(({ name }) => name)).toContain('Tehran')
    expect(cities).toHaveLength(3)
    const [all] = await demo.sql.query('select count(*)::int as count from pgstash_demo.cities')
    const counts: number[] = json.around.map(({ places }: { places: number }) => places)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(counts[0]).toBeGreaterThan(0)
    expect(counts[2]).toBeLessThan(all?.count)
    expect(cities.map(({ km }) => km)).toEqual(cities.map(({ km }) => km).sort((a, b) => a - b))
    // By the law of cosines, so that the two formulas check each other.
    const rad = (degrees: number) => (degrees * Math.PI) / 180
    for (const { lat, lng, km } of cities) {
      const cosine =
        Math.sin(rad(35.7)) * Math.sin(rad(lat)) + Math.cos(rad(35.7)) * Math.cos(rad(lat)) * Math.cos(rad(lng - 51.42))
      expect(km).toBeCloseTo(6371.0088 * Math.acos(cosine), 1)
    }
  })

  it('are shared by equivalent questions', async () => {
    await demo.ask(NEAR)
    for (const same of ['lng=51.42&lat=35.70', 'lat=35.7001&lng=51.4199', 'lat=35.7&lng=51.42&limit=10&utm=x&a[]=1']) {
      expect(await statusOf(`/cities/near?${same}`)).toBe('hit')
    }
    expect(await statusOf(`${NEAR}&limit=11`)).toBe('fwd=miss')
  })

  it('become a 304 without a body for clients that have them', async () => {
    const { headers } = await demo.ask(NEAR)
    const etag = headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[0-9a-f]{40}"$/)
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await demo.fetch(NEAR, { headers: { 'if-none-match': known } })
      expect([answer.status, answer.text, answer.headers.get('etag')]).toEqual([304, '', etag])
      expect(answer.cache).toBe('hit')
    }
    expect((await demo.fetch(NEAR, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
  })

  it('answer HEAD like GET, without the body', async () => {
    await demo.ask(NEAR)
    const head = await demo.fetch(NEAR, { method: 'HEAD' })
    expect([head.status, head.text, head.cache]).toEqual([200, '', 'hit'])
  })

  it('state their age', async () => {
    expect((await demo.ask(NEAR)).headers.get('age')).toBe(null)
    await demo.sql.query(`update cache_entries
      set meta = jsonb_set(meta::jsonb, '{responseAt}', to_jsonb((meta::jsonb ->> 'responseAt')::float8 - 7000))::text`)
    expect(Number((await demo.fetch(NEAR)).headers.get('age'))).toBeGreaterThanOrEqual(7)
  })

  it('stay alive while they are requested, and write only when an extension is due', async () => {
    await demo.ask(NEAR)
    const moveTo = (seconds: number) =>
      demo.sql.query(
        `update cache_entries set (expires_at, kept_until) = (select at, at from (select now() + $1 * interval '1 second' as at) as it)`,
        [seconds],
      )
    const secondsLeft = async () => {
      const [row] = await demo.sql.query(
        `select extract(epoch from expires_at - now())::float8 as left from cache_entries`,
      )
      return row?.left as number
    }
    expect(await secondsLeft()).toBeGreaterThan(41)
    await moveTo(48)
    await demo.ask(NEAR)
    expect(await secondsLeft()).toBeLessThanOrEqual(48)
    await moveTo(20)
    await demo.ask(NEAR)
    expect(await secondsLeft()).toBeGreaterThan(41)
    await moveTo(-1)
    expect(await statusOf(NEAR)).toBe('fwd=miss')
  })

  it('are invalidated by a new name exactly if they show the city', async () => {
    const [city, ...rest]: City[] = (await demo.ask(NEAR)).json.cities
    if (city === undefined) throw new Error('no city')
    const elsewhere = '/cities/near?lat=15.35&lng=44.2'
    const other = (await demo.ask(elsewhere)).json.cities as City[]
    expect([...rest, ...other].map(({ id }) => id)).not.toContain(city.id)
    await demo.ask(`/cities/countries/${other[0]?.country}`)

    const { status, json } = await patch(city.id, { name: `${city.name} renamed` })
    expect([status, json.changed, json.invalidated]).toEqual([200, ['name'], [`city:${city.id}`]])
    const again = await demo.fetch(NEAR)
    expect([again.cache, again.json.cities[0].name]).toEqual(['fwd=miss;stored', `${city.name} renamed`])
    expect(await statusOf(elsewhere)).toBe('hit')
    expect(await statusOf(`/cities/countries/${other[0]?.country}`)).toBe('hit')
  })

  it('are invalidated by a new population if they show, sum up or compare it', async () => {
    const countries: { country: string; largest: City }[] = (await demo.ask('/cities/countries')).json.countries
    const [a, b] = countries
    if (a === undefined || b === undefined) throw new Error('too few countries')
    const [small] = await demo.sql.query(
      'select id, lat, lng from pgstash_demo.cities where country = $1 order by population, id limit 1',
      [a.country],
    )
    const around = `/cities/near?lat=${small?.lat}&lng=${small?.lng}&limit=1`
    const [own, others] = [`/cities/countries/${a.country}`, `/cities/countries/${b.country}`]
    for (const path of [around, own, others, '/cities/map', NEAR]) await demo.ask(path)

    const { json } = await patch(small?.id as number, { population: 30_000_000 })
    expect(json.invalidated).toEqual([`city:${small?.id}`, `country:${a.country}`, 'world'])
    expect(await Promise.all([NEAR, others].map(statusOf))).toEqual(['hit', 'hit'])
    for (const path of [around, own, '/cities/countries', '/cities/map']) expect(await statusOf(path)).toBe('fwd=miss')
    // The city was not in the answer before: the country's tag added it.
    expect((await demo.fetch(own)).json.largest).toMatchObject({ id: small?.id, population: 30_000_000 })
  })

  it('stay valid if a change changes nothing', async () => {
    const [city]: City[] = (await demo.ask(NEAR)).json.cities
    const { json } = await patch(city?.id ?? 0, { population: city?.population })
    expect([json.changed, json.invalidated]).toEqual([[], []])
    expect(await statusOf(NEAR)).toBe('hit')
  })

  it('are not served if they were computed from data older than a change, however late they are stored', async () => {
    const place = '/cities/near?lat=33.51&lng=36.29&limit=1'
    const [city]: City[] = (await demo.ask(place)).json.cities
    await demo.empty()
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let isHeld = false
    demo.onRequest = async ({ sql }) => {
      if (!isHeld && sql.some((text) => /cache_fill_response|insert into "?cache_entries/.test(text))) {
        isHeld = true
        await released
      }
    }
    const slow = demo.fetch(place)
    await until(() => isHeld, 'the answer is about to be stored')
    await patch(city?.id ?? 0, { name: 'Newname' })
    release()
    demo.onRequest = undefined
    expect((await slow).json.cities[0].name).toBe(city?.name)
    const next = await demo.fetch(place)
    expect([next.cache, next.json.cities[0].name]).toEqual(['fwd=uri-miss;stored', 'Newname'])
  })

  it('are deleted by the cron trigger after they have expired, and not before', async () => {
    const paths = [NEAR, '/cities/countries', '/sun?lat=1&lng=2&year=2026']
    for (const path of paths) await demo.ask(path)
    await demo.sql.query(
      `update cache_entries set expires_at = now() - interval '1 hour', kept_until = now() - interval '1 hour', cleanup_slot = 0 where key like $1`,
      [`%${NEAR_KEY} part-%`],
    )
    await demo.scheduled()
    const keys = await demo.sql.query('select key from cache_entries order by key')
    // Miniflare sends another Host than the URL's, which then is a part of the key.
    const targets = keys.map(({ key }) => /demo\.test(\S+) part-/.exec(String(key))?.[1])
    expect(targets).toEqual(['/cities/countries', '/sun?lat=1&lng=2&year=2026'])
    expect(await statusOf('/cities/countries')).toBe('hit')
  })

  it('list the entries of the cache, and the button deletes expired ones', async () => {
    await demo.ask(NEAR)
    await demo.ask('/sun?lat=1&lng=2&year=2026')
    await demo.sql.query(
      `update cache_entries set expires_at = now() - interval '1 hour', kept_until = now() - interval '1 hour', cleanup_slot = 0 where key like '%sun%'`,
    )
    const { json } = await demo.fetch('/entries')
    expect(json.live).toMatchObject([
      { key: expect.stringContaining(NEAR_KEY), tags: expect.arrayContaining([expect.stringMatching(/^city:/)]) },
    ])
    expect(json.live[0].seconds).toBeGreaterThan(40)
    expect(json.expired).toEqual([expect.stringContaining('/sun?lat=1&lng=2&year=2026')])
    expect((await demo.fetch('/cleanup', { method: 'POST' })).json).toEqual({ removed: 1, more: false })
    expect((await demo.fetch('/entries')).json.expired).toEqual([])
  })

  it('count fifty concurrent views without losing one', async () => {
    const pages = await Promise.all(Array.from({ length: 50 }, () => demo.fetch('/')))
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
    const views = async () => (await demo.fetch('/views')).json.views
    await until(async () => (await views()) === 50, 'all views are counted')
    await demo.fetch('/', { method: 'HEAD' })
    expect(await views()).toBe(50)
  })

  it('refuse invalid input, and state what they expected', async () => {
    for (const [path, words] of [
      ['/cities/near', 'Expected lat to be a number from -90 to 90, got nothing.'],
      ['/cities/near?lat=91&lng=0', 'Expected lat to be a number from -90 to 90, got "91".'],
      ['/cities/near?lat=1e1&lng=0', 'Expected lat'],
      ['/cities/near?lat=1&lng=abc', 'Expected lng to be a number from -180 to 180, got "abc".'],
      ['/cities/near?lat=1&lng=2&limit=0', 'Expected limit to be a number from 1 to 50'],
      ['/cities/near?lat=1&lng=2&limit=2.5', 'Expected limit to be a whole number from 1 to 50'],
      ['/cities/countries/FRA', 'Expected the country to be a code of two letters'],
      ['/cities/search?q=x', 'Expected q to be 2 to 60 characters, got 1.'],
      ['/sun?lat=1&lng=2&year=1066', 'Expected year to be a number from 1901 to 2099'],
    ] as const) {
      const { status, json } = await demo.fetch(path)
      expect([path, status]).toEqual([path, 400])
      expect(json.error).toContain(words)
    }
    const bodies = [
      {},
      { name: '' },
      { population: -1 },
      { population: 1.5 },
      { population: '5' },
      { size: 3 },
      [],
      null,
    ]
    for (const body of bodies) expect((await patch(1, body)).status).toBe(400)
    expect((await patch(1, { name: 'x'.repeat(5_000) })).status).toBe(413)
    expect((await patch(999_999_999, { name: 'x' })).status).toBe(404)
    expect((await demo.fetch('/cities/countries/XX')).status).toBe(404)
    expect((await demo.fetch('/nothing')).status).toBe(404)
    expect(await demo.sql.query('select key from cache_entries')).toEqual([])
  })

  it('refuse writes from pages of other sites', async () => {
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.test' },
    ]) {
      expect((await patch(1, { name: 'x' }, headers as Record<string, string>)).status).toBe(403)
      expect(
        (await demo.fetch('/cleanup', { method: 'POST', headers: headers as Record<string, string> })).status,
      ).toBe(403)
    }
    expect((await patch(999_999_999, { name: 'x' }, { 'sec-fetch-site': 'same-origin' })).status).toBe(404)
    expect((await patch(999_999_999, { name: 'x' }, { origin: 'http://demo.test' })).status).toBe(404)
  })

  it('find cities by the beginning of their name, in any case, and treat wildcards literally', async () => {
    const { json } = await demo.fetch('/cities/search?q=TEHR')
    expect(json.cities[0]).toMatchObject({ id: 112931, country: 'IR' })
    expect((await demo.fetch('/cities/search?q=%25%25')).json.cities).toEqual([])
  })

  it('report that the database is reachable', async () => {
    const { status, json } = await demo.fetch('/health')
    expect([status, json.database]).toEqual([200, 'reachable'])
  })
})
