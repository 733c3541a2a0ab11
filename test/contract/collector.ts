/** A test runner for runtimes without one: it collects the tests of the contract, and runs them one after the other. */
import { inspect, isDeepStrictEqual } from 'node:util'
import type { Expect, Matchers, TestRunner } from 'pgstash/testing'

export interface Case {
  readonly name: string
  /** `passed`, or the reason of the failure. */
  readonly outcome: string
}

export interface Collector {
  readonly runner: TestRunner
  run(): Promise<Case[]>
}

export function createCollector(): Collector {
  const titles: string[] = []
  const tests: { name: string; run(): Promise<void> }[] = []
  const runner: TestRunner = {
    describe(title, define) {
      titles.push(title)
      define()
      titles.pop()
    },
    it: (title, run) => void tests.push({ name: [...titles, title].join(' > '), run }),
    expect,
  }
  return {
    runner,
    async run() {
      const cases: Case[] = []
      for (const { name, run } of tests) cases.push({ name, outcome: await outcomeOf(run) })
      return cases
    },
  }
}

async function outcomeOf(run: () => Promise<void>): Promise<string> {
  try {
    await run()
    return 'passed'
  } catch (error) {
    return inspect(error)
  }
}

const expect: Expect = (actual) => ({
  ...matchers(actual, true),
  not: matchers(actual, false),
  rejects: {
    async toMatchObject(expected) {
      const reason = await Promise.resolve(actual).then(
        () => {
          throw new Error('Expected a promise that rejects, got one that resolves.')
        },
        (error: unknown) => error,
      )
      matchers(reason, true).toMatchObject(expected)
    },
  },
})

function matchers(actual: unknown, isWanted: boolean): Matchers {
  const check = (isTrue: boolean, verb: string, expected: unknown) => {
    if (isTrue === isWanted) return
    throw new Error(`Expected ${inspect(actual)} ${isWanted ? '' : 'not '}${verb} ${inspect(expected)}.`)
  }
  return {
    toBe: (expected) => check(Object.is(actual, expected), 'to be', expected),
    toEqual: (expected) => check(isDeepStrictEqual(actual, expected), 'to equal', expected),
    toMatchObject: (expected) => check(contains(actual, expected), 'to match', expected),
    toBeGreaterThan: (expected) => check(Number(actual) > Number(expected), 'to be greater than', expected),
    toBeLessThanOrEqual: (expected) => check(Number(actual) <= Number(expected), 'to be at most', expected),
  }
}

/** True if each field of the expected object equals that of the actual one, at every depth. */
function contains(actual: unknown, expected: unknown): boolean {
  if (isDeepStrictEqual(actual, expected)) return true
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null) return false
  if (Array.isArray(expected) && (!Array.isArray(actual) || actual.length !== expected.length)) return false
  return Object.entries(expected).every(([name, part]) => contains(Reflect.get(actual, name), part))
}
