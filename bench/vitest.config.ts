import { mergeConfig } from 'vitest/config'
import base from '../vitest.config.ts'

// One file at a time: two at once would measure each other.
export default mergeConfig(
  { ...base, test: { ...base.test, include: [] } },
  {
    test: { include: ['bench/*.bench.ts'], fileParallelism: false, testTimeout: 600_000 },
  },
)
