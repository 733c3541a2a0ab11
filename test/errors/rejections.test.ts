/**
 * Promises of the caller that reject: the process must survive. Each program is a separate process with Node's
 * defaults.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

/**
 * Runs the text of a module after `late`, a promise that rejects, and `rejected`, which runs a call and swallows its
 * error.
 */
async function run(program: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    `import * as pgstash from 'pgstash'
    const cache = pgstash.memoryCache()
    const late = () => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 5))
    const rejected = (call) => call().then(() => 'resolved', () => 'rejected')
    const later = () => new Promise((resolve) => setTimeout(resolve, 20))
    ${program}
    await later()
    console.log('alive')`,
  ])
  return stderr + stdout
}

const HIT = `await cache.set('key', 1)
`

describe('a promise that rejects', () => {
  it.each([
    [
      'as the value of getOrSet, on a miss',
      `console.log(await rejected(() => cache.getOrSet('key', late())))`,
      'rejected',
    ],
    [
      'as the value of getOrSet, on a hit',
      `${HIT}console.log(await rejected(() => cache.getOrSet('key', late())))`,
      'resolved',
    ],
    ['with an invalid key', `console.log(await rejected(() => cache.getOrSet('', late())))`, 'rejected'],
    [
      'with an invalid option',
      `console.log(await rejected(() => cache.getOrSet('key', late(), { stale: {} })))`,
      'rejected',
    ],
    [
      'with a signal that has aborted',
      `console.log(await rejected(() => cache.getOrSet('key', late(), { signal: AbortSignal.abort() })))`,
      'rejected',
    ],
    ['as the value of set', `console.log(await rejected(() => cache.set('key', late())))`, 'rejected'],
    ['as the entries of setMany', 'console.log(await rejected(() => cache.setMany(late())))', 'rejected'],
    [
      'from onProgress',
      `await cache.set('key', 1, { expiration: 0.001 })
await later()
      console.log(await rejected(() => cache.clearExpired({ onProgress: late })))`,
      'resolved',
    ],
    [
      'from onProgress of a count',
      `${HIT}console.log(await rejected(() => cache.count({ onProgress: late })))`,
      'resolved',
    ],
    [
      'from waitUntil',
      `console.log(await rejected(() => cache.getOrSet('key', () => 1, { waitUntil: late })))`,
      'resolved',
    ],
    [
      'from onEvent',
      `console.log(await rejected(() => pgstash.memoryCache({ onEvent: late }).get('key')))`,
      'resolved',
    ],
  ])('does not end the process %s', async (_, program, outcome) => {
    expect(await run(program)).toBe(`${outcome}\nalive\n`)
  })
})

describe('a signal', () => {
  it('shared by many calls does not look like a leak', async () => {
    const program = `const { signal } = new AbortController()
    const calls = Array.from({ length: 30 }, (_, i) => cache.getOrSet('key ' + i, () => later().then(() => i), { signal }))
    console.log((await Promise.all(calls)).length)`
    expect(await run(program)).toBe('30\nalive\n')
  })

  it('that aborts ends each waiting call', async () => {
    const program = `const ending = new AbortController()
    const options = { signal: ending.signal }
    const calls = Array.from({ length: 30 }, (_, i) => cache.getOrSet('key ' + i, () => later().then(() => i), options))
    ending.abort(new Error('enough'))
    const ended = await Promise.allSettled(calls)
    console.log(ended.filter(({ reason }) => reason?.message === 'enough').length)`
    expect(await run(program)).toBe('30\nalive\n')
  })
})
