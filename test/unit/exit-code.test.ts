import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

it('a run with a failed test exits with 1', () => {
  const { TEST_DATABASE_URL: _, ...env } = process.env
  const { status, stdout } = spawnSync(
    process.execPath,
    [path('../../node_modules/vitest/vitest.mjs'), 'run', '--config', path('../fixtures/vitest.config.ts')],
    { encoding: 'utf8', env },
  )
  expect(stdout).toContain('1 failed')
  expect(status).toBe(1)
}, 240_000)
