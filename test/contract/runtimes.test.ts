/** The contract under Deno and in workerd, over HTTP. Each of its tests becomes a test here. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalNeon } from 'pgstash/dev'
import { describe, expect, it } from 'vitest'
import { bundleForNodejsCompat } from '../package/bundle.ts'
import { bin, ROOT, run, temporaryFolder } from '../package/packed.ts'
import { startWorker } from '../package/runtimes.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import type { Case } from './collector.ts'

const runtimes: Record<string, () => Promise<Case[]>> = {
  'Deno, neon-http': underDeno,
  'workerd, neon-http': inWorkerd,
}

for (const [name, contract] of Object.entries(runtimes)) {
  const cases = await contract()
  describe(name, () => {
    it('runs the whole contract', () => {
      expect(cases.length).toBeGreaterThan(150)
    })

    it.each(cases)('$name', ({ outcome }) => {
      expect(outcome).toBe('passed')
    })
  })
}

async function underDeno(): Promise<Case[]> {
  const script = await bundleForNodejsCompat({
    folder: join(ROOT, 'test/contract'),
    entry: `import { runContract } from './over-neon.ts'
      console.log(JSON.stringify(await runContract(Deno.env.toObject())))`,
  })
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'contract.mjs'), script)
  const args = ['run', '--no-config', '--allow-env', '--allow-net', 'contract.mjs']
  const { stdout, stderr, code } = await run(bin('deno'), args, folder, await environment())
  if (code !== 0) throw new Error(`Expected Deno to run the contract, got: ${stderr.slice(-2_000)}`)
  return JSON.parse(stdout)
}

async function inWorkerd(): Promise<Case[]> {
  const script = await bundleForNodejsCompat({
    folder: join(ROOT, 'test/contract'),
    entry: `import { runContract } from './over-neon.ts'
      export default { fetch: async (_request, env) => Response.json(await runContract(env)) }`,
  })
  const bindings = await environment()
  const worker = await startWorker(script, { bindings, compatibilityFlags: ['nodejs_compat'] })
  const response = await fetch(worker)
  if (!response.ok) throw new Error(`Expected workerd to run the contract, got: ${await response.text()}`)
  return (await response.json()) as Case[]
}

async function environment(): Promise<{ ENDPOINT: string; DATABASE_URL: string }> {
  const server = await startLocalNeon({ database: await createDatabase() })
  cleanup(() => server.close())
  return { ENDPOINT: server.endpoint, DATABASE_URL: server.connectionString }
}
