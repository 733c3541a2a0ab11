/** The store contract can fail: each group finds the defects that belong to it, and passes for the sound store. */
import { storeContract, type TestRunner } from 'pgstash/testing'
import { expect, it } from 'vitest'
import { brokenStores, DEFECTS } from './broken-stores.ts'
import { keyValueStores, type StoreOnClock } from './key-value-store.ts'

/** The failing tests of a store, each with the name of its group. */
async function failuresOf(stores: StoreOnClock): Promise<{ group: string; name: string }[]> {
  const tests: { group: string; name: string; run: () => Promise<void> }[] = []
  let group = ''
  const runner: TestRunner = {
    describe(name, define) {
      group = name
      define()
    },
    it: (name, run) => void tests.push({ group, name, run }),
    expect,
  }
  storeContract(runner, stores)
  const failures: { group: string; name: string }[] = []
  for (const { run, ...test } of tests) await run().catch(() => failures.push(test))
  return failures
}

it('the sound store passes the contract', async () => {
  expect(await failuresOf(brokenStores('none'))).toEqual([])
})

it.each(Object.entries(DEFECTS))('the contract finds %s', async (name, { group }) => {
  const failures = await failuresOf(brokenStores(name))
  expect(failures.map((failure) => failure.group)).toContain(group)
})

it('every group of the contract finds a defect', () => {
  const groups = new Set<string>()
  const describe = (name: string, define: () => void) => {
    groups.add(name)
    define()
  }
  storeContract({ describe, it: () => {}, expect }, keyValueStores())
  expect(new Set(Object.values(DEFECTS).map(({ group }) => group))).toEqual(groups)
})
