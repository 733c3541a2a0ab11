import { expect, it } from 'vitest'
import { bin, ROOT, run } from '../package/packed.ts'
import { createDatabase } from '../setup/databases.ts'

it('Bun’s own client works as a database of the cache, and so does its transaction', async () => {
  const database = await createDatabase()
  const { stdout, stderr } = await run(bin('bun'), ['./test/connections/bun-client.mjs'], ROOT, {
    BUN_DATABASE_URL: database,
  })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual({
    many: { value: { list: [1] }, number: 41 },
    computed: [1, 1],
    counted: 42,
    kept: 1,
    lost: false,
    tagged: false,
  })
})
