/** The contract under Bun. Each of its tests becomes a test here. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bin, ROOT, run, temporaryFolder } from '../package/packed.ts'
import { createDatabase } from '../setup/databases.ts'

interface Case {
  readonly name: string
  readonly outcome: string
}

const cases = await runUnderBun('test/contract/bun-sql.mjs')

describe('bun-sql', () => {
  it('runs the whole contract', () => {
    expect(cases.length).toBeGreaterThan(150)
  })

  it.each(cases)('$name', ({ outcome }) => {
    expect(outcome).toBe('passed')
  })
})

async function runUnderBun(file: string): Promise<Case[]> {
  const report = join(await temporaryFolder(), 'report.xml')
  const args = ['test', `./${file}`, '--reporter=junit', `--reporter-outfile=${report}`]
  const { stderr } = await run(bin('bun'), args, ROOT, { BUN_DATABASE_URL: await createDatabase() })
  const text = await readFile(report, 'utf8').catch(() => {
    throw new Error(`bun test wrote no report: ${stderr.slice(-2_000)}`)
  })
  return [...text.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, name = '', failure]) => ({ name, outcome: failure ? failure.trim() : 'passed' }),
  )
}
