import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'
import { defineConfig, type Plugin } from 'vitest/config'
import { removeSettings } from './test/setup/environment.ts'

// Runs before the workers start, because they inherit the environment.
removeSettings(process.env)

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

// The compiler of vitest leaves standard decorators as they are, and Node does not know them yet.
const decorators: Plugin = {
  name: 'standard decorators',
  enforce: 'pre',
  async transform(code, id) {
    if (!id.endsWith('.ts') || !/^\s*@cached\(/m.test(code)) return undefined
    return transform(code, { loader: 'ts', target: 'es2022', sourcemap: true, sourcefile: id })
  },
}

/** The suites whose statements go over HTTP. Races among them run a quarter of their rounds. */
const INLINE = [
  'test/contract/{drivers,settings}.test.ts',
  'test/fill/{concurrency,faults,processes}.test.ts',
  'test/hono/core/*.test.ts',
  'test/next/handlers/{incremental,incremental-tags,use-cache,use-cache-tags}.test.ts',
  'test/postgres/{limits,response-ranges,response-rows,round-trips}.test.ts',
  'test/postgres/routines/both-ways.test.ts',
  'test/response-cache/*.test.ts',
  'test/tags/{exactness,invalidation}.test.ts',
]

export default defineConfig({
  plugins: [decorators],
  resolve: {
    alias: [
      { find: '#tcp', replacement: path('./src/postgres/connections/tcp.ts') },
      { find: /^pgstash$/, replacement: path('./src/index.ts') },
      { find: /^pgstash\/(.+)$/, replacement: path('./src/$1/index.ts') },
    ],
  },
  test: {
    globalSetup: [path('./test/setup/global.ts')],
    setupFiles: [path('./test/setup/slow-machine.ts')],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A condition may come true late on a busy machine.
    expect: { poll: { timeout: 20_000, interval: 10 } },
    // Two cores: more workers would only make each slower.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'all', include: ['test/**/*.test.ts'], exclude: ['test/drizzle-1/**'] } },
      {
        extends: true,
        // Over HTTP most calls go to routines. Without these the same suites pass as well.
        resolve: { alias: [{ find: /^pgstash\/migrate$/, replacement: path('./test/setup/migrate-inline.ts') }] },
        test: {
          name: 'inline statements',
          env: { TEST_STATEMENTS: 'inline' },
          include: INLINE,
          // These send nothing, or try header fields.
          exclude: ['test/hono/core/{bad-options,deprecated,fuzz}.test.ts', 'test/response-cache/refresh-mark.test.ts'],
        },
      },
      {
        extends: true,
        // Tests the next Drizzle, so that its release breaks nobody.
        resolve: { alias: [{ find: /^drizzle-orm(\/.*)?$/, replacement: path('./node_modules/drizzle-orm-1$1') }] },
        test: {
          name: 'drizzle 1.0 rc',
          include: ['test/contract/*.test.ts', 'test/drizzle/*.test.ts', 'test/drizzle-1/*.test.ts'],
          // Skip a test of the relations of 0.45, and one with a process that does not know the alias.
          exclude: ['test/drizzle/relational.test.ts', 'test/contract/bun.test.ts'],
        },
      },
    ],
  },
})
