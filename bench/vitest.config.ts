import { defineConfig } from 'vitest/config'
import base from '../vitest.config.ts'

const { projects: _, ...test } = base.test ?? {}

// One file at a time: two at once would measure each other.
export default defineConfig({
  ...base,
  test: {
    ...test,
    include: ['bench/*.bench.ts'],
    fileParallelism: false,
    testTimeout: 600_000,
    // Benchmarks print tables. As an option of the command, it would swallow the name of a file behind it.
    disableConsoleIntercept: true,
  },
})
