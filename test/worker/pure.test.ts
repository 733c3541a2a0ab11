import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { placeParameter } from '../../worker/parameters.ts'
import { yearOfSun } from '../../worker/sun.ts'

describe('a place of the demo', () => {
  const parsed = (lat: string, lng: string) => placeParameter((name) => ({ lat, lng })[name])

  it('is rounded to hundredths, and rounding is idempotent', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -90, max: 90, noNaN: true }),
        fc.double({ min: -180, max: 180, noNaN: true }),
        (a, b) => {
          const once = parsed(a.toFixed(6), b.toFixed(6))
          expect(Math.abs(once.lat - a)).toBeLessThanOrEqual(0.0051)
          expect(parsed(String(once.lat), String(once.lng))).toEqual(once)
          expect(String(once.lat)).toMatch(/^-?\d+(\.\d{1,2})?$/)
        },
      ),
    )
  })

  it('has one name for minus zero and for the date line', () => {
    expect(parsed('-0.001', '180')).toEqual({ lat: 0, lng: -180 })
    expect(Object.is(parsed('-0.001', '0').lat, 0)).toBe(true)
  })
})

describe('sun times', () => {
  // Published times, in minutes after midnight UTC. Sources differ by a minute or two.
  it.each([
    ['Paris, midsummer', 48.8566, 2.3522, '2026-06-21', 3 * 60 + 47, 19 * 60 + 58],
    ['Greenwich, equinox', 51.4779, 0, '2026-03-20', 6 * 60 + 3, 18 * 60 + 14],
    ['Sydney, midsummer', -33.8688, 151.2093, '2026-12-21', 18 * 60 + 41 - 1440, 9 * 60 + 5],
  ])('match the published ones: %s', (_name, lat, lng, date, rise, set) => {
    const day = Math.round((Date.parse(date) - Date.UTC(2026, 0, 1)) / 86_400_000)
    const found = yearOfSun(lat, lng, 2026)[day]
    expect(Math.abs((found?.rise ?? 0) - rise)).toBeLessThanOrEqual(3)
    expect(Math.abs((found?.set ?? 0) - set)).toBeLessThanOrEqual(3)
  })

  it('are absent for polar days and nights', () => {
    const days = yearOfSun(78.22, 15.65, 2026)
    expect(days[171]).toEqual({ rise: null, set: null, light: 1440 })
    expect(days[354]).toEqual({ rise: null, set: null, light: 0 })
  })

  it('handle leap years and the poles', () => {
    expect(yearOfSun(0, 0, 2028)).toHaveLength(366)
    for (const { light } of yearOfSun(90, 0, 2026)) expect([0, 1440]).toContain(light)
  })
})

describe('the headers shown below an answer', () => {
  const demo: { headerWords?: (headers: object) => string } = {}
  runInNewContext(readFileSync(new URL('../../worker/page/answer.client.js', import.meta.url), 'utf8'), { demo })
  const words = (age: string | null, etag: string | null, cacheStatus = 'pgstash;hit') =>
    demo.headerWords?.({ cacheStatus, age, etag })

  it('explain that a miss has no Age', () => {
    expect(words(null, '"0123456789abcdef"')).toBe('Cache-Status: pgstash;hit · ETag: "01234567…"')
  })

  it('omit headers that are absent', () => {
    expect([words('0', null), words('3', '"a"'), words(null, null, '')]).toEqual([
      'Cache-Status: pgstash;hit · Age: 0',
      'Cache-Status: pgstash;hit · Age: 3 · ETag: "a"',
      '',
    ])
  })
})
