import { neon } from '@neondatabase/serverless'
import { beforeEach, describe, expect, it } from 'vitest'
import type { LocalNeon } from '../../src/dev/index.ts'
import { createFaults, type Fault, type InterceptedRequest } from '../../src/testing/faults.ts'
import { InvalidOptionError } from '../../src/values/errors.ts'
import { query, send, start } from './endpoint.ts'

const faults = createFaults()
let shared: LocalNeon | undefined

beforeEach(async () => {
  shared ??= await start({ intercept: faults })
  faults.heal()
  await query(shared, 'drop table if exists t')
  await query(shared, 'create table t (a int)')
  faults.reset()
})

const local = () => shared as LocalNeon
const insert = () => query(local(), 'insert into t values (1)').catch((error) => error)
const count = async () => Number((await query(local(), 'select count(*) from t')).json.rows[0][0])

describe('an endpoint with faults', () => {
  it('counts requests, statements and bytes, and keeps a log', async () => {
    const first = await query(local(), 'select 1', ['x'])
    const body = { queries: [{ query: 'select 2' }, { query: 'select 3' }] }
    const second = await send(local(), { body })
    const bytesIn = [JSON.stringify({ query: 'select 1', params: ['x'] }).length, JSON.stringify(body).length]
    expect(faults.log).toEqual([
      { sql: ['select 1'], bytesIn: bytesIn[0], bytesOut: first.text.length, status: first.status },
      { sql: ['select 2', 'select 3'], bytesIn: bytesIn[1], bytesOut: second.text.length, status: 200 },
    ])
    expect(faults).toMatchObject({ requests: 2, statements: 3, bytesIn: (bytesIn[0] ?? 0) + (bytesIn[1] ?? 0) })
    expect(faults.bytesOut).toBe(first.text.length + second.text.length)
    faults.reset()
    expect(faults).toMatchObject({ requests: 0, statements: 0, bytesIn: 0, bytesOut: 0, log: [] })
  })

  it('does not count requests that are refused before they are queries', async () => {
    await send(local(), { body: 'nonsense' })
    await query(local(), 'select 1', [], { connectionString: 'postgres://postgres:wrong@localhost/postgres' })
    expect(faults.requests).toBe(0)
  })

  it('delays an answer', async () => {
    faults.next({ kind: 'delay', ms: 20 })
    const before = performance.now()
    expect((await insert()).status).toBe(200)
    expect(performance.now() - before).toBeGreaterThanOrEqual(19)
    expect(await count()).toBe(1)
  })

  it('answers with an error, without executing', async () => {
    faults.next({ kind: 'error', status: 503 })
    faults.next({ kind: 'error', status: 400, body: { message: 'too many', code: '53300' } })
    faults.next({ kind: 'error', status: 502, body: '<html>bad gateway</html>' })
    expect(await insert()).toMatchObject({ status: 503, json: { message: 'injected fault', code: '' } })
    await expect(neon(local().connectionString)`insert into t values (1)`).rejects.toMatchObject({ code: '53300' })
    expect(await insert()).toMatchObject({ status: 502, text: '<html>bad gateway</html>' })
    expect(await count()).toBe(0)
  })

  it('resets the connection, without executing', async () => {
    faults.next({ kind: 'reset' })
    expect(await insert()).toMatchObject({ code: 'ECONNRESET' })
    expect(await count()).toBe(0)
    expect(faults.log[0]).toMatchObject({ status: 0, bytesOut: 0 })
  })

  it('loses the answer of a statement that was executed', async () => {
    faults.next({ kind: 'lose' })
    const lost = await neon(local().connectionString)`insert into t values (1)`.catch((error) => error)
    expect(lost.message).toMatch(/^Error connecting to database/)
    expect(await count()).toBe(1)
  })

  it.each([0, 10, 1_000_000])('truncates an answer after %i bytes', async (bytes) => {
    faults.next({ kind: 'truncate', bytes })
    await expect(neon(local().connectionString)`insert into t values (1)`).rejects.toThrow()
    expect(await count()).toBe(1)
    expect(faults.log[0]?.status).toBe(200)
    expect(faults.log[0]?.bytesOut).toBeGreaterThanOrEqual(bytes === 0 ? 0 : 10)
  })

  it('hangs until the client disconnects, without executing', async () => {
    faults.next({ kind: 'hang' })
    const controller = new AbortController()
    const { onRequest } = faults
    faults.onRequest = (request: InterceptedRequest) => {
      faults.onRequest = onRequest
      controller.abort()
      return onRequest(request)
    }
    const aborted = await query(local(), 'insert into t values (1)', [], { signal: controller.signal }).catch(
      (error) => error,
    )
    expect(aborted).toMatchObject({ name: 'AbortError' })
    expect(await count()).toBe(0)
  })

  it('closes at once while requests hang or are delayed', async () => {
    const own = createFaults()
    const server = await start({ intercept: own })
    const seen = new Promise<void>((resolve) => {
      const { onRequest } = own
      own.onRequest = (request) => {
        const fault = onRequest(request)
        if (own.requests === 2) resolve()
        return fault
      }
    })
    own.next({ kind: 'hang' })
    own.next({ kind: 'delay', ms: 3_600_000 })
    const requests = [1, 2].map(() => query(server, 'select 1').catch((error) => error.code))
    await seen
    await Promise.all([server.close(), server.close()])
    expect(await Promise.all(requests)).toEqual(['ECONNRESET', 'ECONNRESET'])
    expect(own.log.map(({ status }) => status)).toEqual([0, 0])
    await server.close()
  })

  it('applies a fault to the next few requests, to all, or to none', async () => {
    const teapot: Fault = { kind: 'error', status: 418 }
    faults.always({ kind: 'error', status: 503 })
    faults.next(teapot, 2)
    const statuses = async (times: number) => {
      const answers = []
      for (let i = 0; i < times; i++) answers.push((await insert()).status)
      return answers
    }
    expect(await statuses(4)).toEqual([418, 418, 503, 503])
    faults.next(teapot)
    faults.heal()
    expect(await statuses(2)).toEqual([200, 200])
  })

  it('accepts any interceptor, including asynchronous ones', async () => {
    const seen: unknown[] = []
    const server = await start({
      intercept: {
        async onRequest({ sql }) {
          seen.push(sql)
          return sql[0] === 'select 2' ? { kind: 'error', status: 500 } : undefined
        },
        onResponse({ status, durationMs }) {
          seen.push(status, durationMs >= 0)
        },
      },
    })
    await query(server, 'select 1')
    await query(server, 'select 2')
    expect(seen).toEqual([['select 1'], 200, true, ['select 2'], 500, true])
  })

  it('answers 500 when the interceptor itself fails', async () => {
    const server = await start({
      intercept: {
        onRequest() {
          throw new Error('secret')
        },
      },
    })
    const answer = await query(server, 'select 1')
    expect(answer).toMatchObject({ status: 500, json: { message: 'internal error' } })
    expect(answer.text).not.toContain('secret')
  })
})

describe('random faults', () => {
  const request: InterceptedRequest = { sql: ['select 1'], bytes: 1, signal: new AbortController().signal }
  const draw = (seed: number, times = 2_000) => {
    const random = createFaults()
    random.random(seed, [
      { fault: { kind: 'reset' }, rate: 0.2 },
      { fault: { kind: 'lose' }, rate: 0.1 },
    ])
    return Array.from({ length: times }, () => random.onRequest(request)?.kind)
  }

  it('are the same for the same seed', () => {
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })

  it('occur as often as requested', () => {
    const kinds = draw(1)
    expect(kinds.filter((kind) => kind === 'reset').length).toBeGreaterThan(330)
    expect(kinds.filter((kind) => kind === 'reset').length).toBeLessThan(470)
    expect(kinds.filter((kind) => kind === 'lose').length).toBeGreaterThan(140)
    expect(kinds.filter((kind) => kind === 'lose').length).toBeLessThan(260)
  })

  it.each([
    [[{ fault: { kind: 'hang' }, rate: 1.1 }]],
    [[{ fault: { kind: 'hang' }, rate: -0.1 }]],
    [[{ fault: { kind: 'hang' }, rate: Number.NaN }]],
  ])('refuse impossible rates', (rates) => {
    expect(() => createFaults().random(1, rates as never)).toThrow(InvalidOptionError)
  })
})
