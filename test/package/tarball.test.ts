import { access, cp, readdir, readFile, stat } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  bin,
  entryPoints,
  importName,
  install,
  linkPackages,
  type Manifest,
  manifest,
  pack,
  type Ran,
  ROOT,
  run,
  SENTINEL_TEXT,
  SENTINELS,
  temporaryFolder,
  unpack,
  writeIn,
} from './packed.ts'

/**
 * Every public name. A change here is a change of the public interface: deliberate, in API.md and in the changelog.
 */
const PUBLIC: Record<string, { values: string[]; types: string[] }> = {
  '.': {
    values: [
      'CacheError',
      'CircuitOpenError',
      'CounterRangeError',
      'DatabaseError',
      'DatabaseTimeoutError',
      'InvalidDeltaError',
      'InvalidExpirationError',
      'InvalidKeyError',
      'InvalidOptionError',
      'InvalidTableNameError',
      'NodesError',
      'NotANumberError',
      'RefreshError',
      'UnknownStoreError',
      'UnreadableValueError',
      'UnserializableValueError',
      'ValueTooLargeError',
      'addDecimals',
      'asCached',
      'backOff',
      'buildEntry',
      'buildFilledEntry',
      'byCodePoint',
      'cacheOver',
      'cached',
      'claimEntry',
      'compressingCodec',
      'countEntry',
      'createCache',
      'createCacheManager',
      'createFiller',
      'databaseFromEnv',
      'devalueCodec',
      'enableLocalNeon',
      'encryptingCodec',
      'formatSnapshot',
      'getDefaultCache',
      'invalidation',
      'jsonCodec',
      'limitEntry',
      'listen',
      'memoryCache',
      'nullCache',
      'parseSnapshot',
      'platformCache',
      'resolveDeadline',
      'selectPage',
      'setDefaultCache',
      'shardedCache',
      'slideEntry',
      'sumStats',
      'tieredCache',
      'toListedRow',
      'toReply',
      'toRow',
      'touchEntry',
      'withMetrics',
    ],
    types: [
      'AnyDatabase',
      'Cache',
      'CacheEntry',
      'CacheErrorCode',
      'CacheEvent',
      'CacheManager',
      'CacheManagerOptions',
      'CacheMetrics',
      'CacheOptions',
      'CacheSnapshot',
      'CacheStats',
      'CacheTables',
      'CachedFunction',
      'CachedMethodDecorator',
      'CachedOptions',
      'Change',
      'ChangeReader',
      'Changes',
      'ClaimAnswer',
      'ClaimRequest',
      'ClaimState',
      'CleanupResult',
      'ClearExpiredOptions',
      'ClearOptions',
      'Codec',
      'CommonOptions',
      'CompressingCodecOptions',
      'Cost',
      'CountInput',
      'CountOptions',
      'CounterOptions',
      'CountingInput',
      'Database',
      'DatabaseClient',
      'DatabaseSource',
      'Deadline',
      'DevalueTypes',
      'Duration',
      'Emit',
      'EncryptingCodecOptions',
      'EncryptionKey',
      'EngineOptions',
      'EntryPage',
      'EntryState',
      'ErrorEvent',
      'EventListener',
      'Expiration',
      'Fill',
      'FillEnvironment',
      'FillEvent',
      'FillRequest',
      'FillStore',
      'Filler',
      'FoundEntry',
      'GetOrSetOptions',
      'Invalidation',
      'InvalidationOptions',
      'Item',
      'Jsonified',
      'KeptTypes',
      'KeyRange',
      'Lease',
      'LimitAlgorithm',
      'LimitInput',
      'LimitResult',
      'LimitRule',
      'ListInput',
      'ListOptions',
      'ListedEntry',
      'ListedRow',
      'ListenOptions',
      'Listening',
      'ListeningClient',
      'MaybePromise',
      'MemoryCacheOptions',
      'Metered',
      'NamespaceOptions',
      'NearCache',
      'NeonEndpointConfig',
      'NullCacheOptions',
      'OperationEvent',
      'PageReply',
      'PlatformCacheOptions',
      'ReadOptions',
      'Reply',
      'Row',
      'RuntimeCache',
      'Scope',
      'ShardedCache',
      'ShardedCacheOptions',
      'Sliding',
      'StatsOptions',
      'Store',
      'StoredEntry',
      'StoredValue',
      'SweepInput',
      'TieredCacheOptions',
      'TimeSpan',
      'WaitEvent',
      'Window',
      'WriteInput',
      'WriteOptions',
    ],
  },
  './schema': {
    values: [
      'cacheChanges',
      'cacheEntries',
      'cacheHistory',
      'cacheInvalidations',
      'cacheLeases',
      'cacheState',
      'cacheTables',
      'defaultTables',
      'expired',
      'forever',
      'live',
      'unexpired',
    ],
    types: ['CacheTables', 'CacheTablesOptions'],
  },
  './migrate': { values: ['migrate', 'migrationSql'], types: ['MigrateOptions'] },
  './drizzle': {
    values: [
      'cacheQuery',
      'invalidateRow',
      'queryCache',
      'rowTag',
      'tableTag',
      'unwatchAllTables',
      'unwatchTables',
      'warm',
      'watchTables',
      'watchedTables',
      'withInvalidation',
    ],
    types: [
      'CacheQueryOptions',
      'CacheableQuery',
      'KeyValue',
      'QueryCache',
      'QueryCacheOptions',
      'QueryCacheStats',
      'RowId',
      'Taggable',
      'Touching',
      'WarmOptions',
      'WatchOptions',
      'WatchTablesOptions',
      'Watchable',
      'Watchables',
      'WatchedTable',
      'WithInvalidationOptions',
    ],
  },
  './hono': {
    values: [
      'addressKey',
      'cacheMiddleware',
      'purge',
      'purgeRoute',
      'purgeStatements',
      'purging',
      'rateLimit',
      'rateLimitKey',
      'rateLimiterStore',
      'responseCache',
      'sessionStore',
    ],
    types: [
      'CacheMiddlewareOptions',
      'CacheVariables',
      'PathPattern',
      'PurgeRouteOptions',
      'PurgeStatementsOptions',
      'PurgeTargets',
      'PurgingOptions',
      'RateLimitOptions',
      'RateLimiterStore',
      'RateLimiterStoreOptions',
      'ResponseCacheOptions',
      'SessionData',
      'SessionStore',
      'SessionStoreOptions',
    ],
  },
  './fetch': {
    values: ['addressKey', 'purge', 'purgeRoute', 'purgeStatements', 'rateLimit', 'rateLimitKey', 'withResponseCache'],
    types: [
      'PathPattern',
      'PurgeRouteOptions',
      'PurgeStatementsOptions',
      'PurgeTargets',
      'RateLimitOptions',
      'ResponseCacheOptions',
    ],
  },
  './better-auth': {
    values: ['secondaryStorage'],
    types: ['SecondaryStorage', 'SecondaryStorageOptions'],
  },
  './keyv': {
    values: ['keyvStore'],
    types: ['KeyvStore'],
  },
  './next': {
    values: ['cacheHandler', 'cacheHandlers'],
    types: [
      'CacheHandlerOptions',
      'HandlerContext',
      'IncrementalCacheHandler',
      'IncrementalEntry',
      'NextOptions',
      'UseCacheEntry',
      'UseCacheHandler',
    ],
  },
  './unstorage': {
    values: ['default', 'unstorageDriver'],
    types: ['UnstorageDriver', 'UnstorageDriverOptions'],
  },
  './opennext': {
    values: ['incrementalCache', 'queue', 'tagCache'],
    types: [
      'CacheType',
      'IncrementalCache',
      'IncrementalCacheOptions',
      'Queue',
      'QueueMessage',
      'QueueOptions',
      'TagCache',
      'TagWrite',
    ],
  },
  './cron': {
    values: ['cronRoute', 'scheduledCleanup'],
    types: ['CronRouteOptions', 'ScheduledCleanupOptions', 'ScheduledHandler'],
  },
  './admin': {
    values: ['basic', 'bearer', 'cacheAdmin', 'cloudflareAccess'],
    types: ['Authorize', 'BasicCredentials', 'CacheAdminOptions', 'CloudflareAccessOptions'],
  },
  './telemetry': {
    values: ['analyticsEngineColumns', 'analyticsEngineListener', 'historyListener', 'openTelemetryListener'],
    types: [
      'AnalyticsEngineBinding',
      'AnalyticsEngineOptions',
      'HistoryListener',
      'HistoryOptions',
      'OpenTelemetryAttributes',
      'OpenTelemetryMeter',
      'OpenTelemetryOptions',
    ],
  },
  './dev': { values: ['LocalNeonError', 'startLocalNeon'], types: ['LocalNeon', 'LocalNeonOptions'] },
  './testing': {
    values: ['cacheContract', 'createFaults', 'storeContract'],
    types: [
      'ContractCacheOptions',
      'Expect',
      'Fault',
      'FaultLogEntry',
      'FaultRate',
      'Faults',
      'InterceptedRequest',
      'InterceptedResponse',
      'Interceptor',
      'Matchers',
      'StoreUnderTest',
      'StoresUnderTest',
      'TestRunner',
    ],
  },
}

const KEYS = await entryPoints()

/** The tarball's files as they are. */
let unpacked: string
/** The tarball, its dependencies and drizzle-orm, installed by npm; no optional peer. */
let bare: string
/** The same with every driver. */
let withDrivers: string
let buildFolder: string
let files: string[]

beforeAll(async () => {
  const packed = await pack()
  buildFolder = packed.buildFolder
  const [folder, project] = await Promise.all([unpack(packed), install(packed)])
  unpacked = folder
  bare = project
  files = await filesOf(unpacked)
  withDrivers = await temporaryFolder()
  await cp(bare, withDrivers, { recursive: true })
  await linkPackages(withDrivers, [
    '@cloudflare/workers-types',
    '@electric-sql/pglite',
    '@neondatabase/serverless',
    '@opentelemetry/api',
    '@types/node',
    '@types/pg',
    'hono',
    'pg',
    'postgres',
  ])
})

describe('the exports of package.json', () => {
  it('are listed here, each with its public names', () => {
    expect(KEYS).toEqual(Object.keys(PUBLIC))
  })

  it('keep package.json readable', async () => {
    expect(await evaluate(bare, `console.log(import.meta.resolve('pgstash/package.json'))`)).toMatch(/package\.json$/)
  })

  it('hide everything else', async () => {
    const script = `await import('pgstash/values/errors').catch((error) => console.log(error.code))`
    expect(await evaluate(bare, script)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})

describe.each(KEYS)('the entry %s', (key) => {
  const { values, types } = PUBLIC[key] ?? { values: [], types: [] }

  /** The entries for Hono need Hono. No other entry needs an optional peer. */
  const folder = () => (key === './hono' || key === './admin' ? withDrivers : bare)

  it('imports as ESM in plain Node with only drizzle-orm installed, and has exactly these names', async () => {
    const script = `console.log(JSON.stringify(Object.keys(await import('${importName(key)}')).sort()))`
    expect(JSON.parse(await evaluate(folder(), script))).toEqual(values)
  })

  it('declares exactly these names', async () => {
    const entry = (await manifest()).exports[key]
    if (entry === undefined || typeof entry === 'string') throw new Error(`Expected types for ${key}.`)
    expect([...(await declaredNames(join(unpacked, entry.types)))].sort()).toEqual([...values, ...types].sort())
  })

  it('can be loaded with require, where Node can do that for ESM', async () => {
    if (!process.features.require_module) return
    const { code, stderr } = await run(
      'node',
      ['--input-type=commonjs', '-e', `require('${importName(key)}')`],
      folder(),
    )
    expect({ code, stderr: stderr.replace(/.*ExperimentalWarning.*|.*--trace-warnings.*/g, '').trim() }).toEqual({
      code: 0,
      stderr: '',
    })
  })

  it('is one module, however it is loaded', async () => {
    if (!process.features.require_module) return
    const name = importName(key)
    const script = `import('${name}').then((module) => console.log(Object.keys(module).every((name) => module[name] === require('${name}')[name])))`
    const { stdout } = await run('node', ['--no-warnings', '--input-type=commonjs', '-e', script], folder())
    expect(stdout.trim()).toBe('true')
  })
})

describe('pgstash/dev without its peers', () => {
  it.each([
    ['PGlite', '{}', '@electric-sql/pglite'],
    ['a real server', `{ database: 'postgresql://user:secret@localhost:1/none' }`, 'pg'],
  ])('says how to install what %s needs, only when it is used', async (_name, options, peer) => {
    const script = `
      const { startLocalNeon, LocalNeonError } = await import('pgstash/dev')
      await startLocalNeon(${options}).catch((error) => console.log(error instanceof LocalNeonError, error.message))`
    const said = await evaluate(bare, script)
    expect(said).toBe(`true Expected the package ${peer} to be installed: npm install --save-dev ${peer}`)
  })
})

describe('the command pgstash', () => {
  it('runs from node_modules/.bin, and --help names its commands', async () => {
    const { code, stdout, stderr } = await run(join(bare, 'node_modules/.bin/pgstash'), ['--help'], bare)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: pgstash/m)
    for (const command of ['dev', 'migrate']) expect(stdout).toMatch(new RegExp(`^\\s+${command}\\b`, 'm'))
  })

  it('says which version it is', async () => {
    const { stdout } = await run(join(bare, 'node_modules/.bin/pgstash'), ['--version'], bare)
    expect(stdout.trim()).toBe((await manifest()).version)
  })
})

/** Every file of the package belongs to one of these groups. No other file must reach users. */
const ALLOWED: Record<string, RegExp> = {
  'npm and its website read these': /^(?:package\.json|README\.md|LICENSE)$/,
  // Machines read them in node_modules. Guides and explanations would add 110 KB, and the README links to them.
  'a user looks these up': /^docs\/(?:(?:getting-started|reference)\/[\w-]+|troubleshooting)\.md$/,
  'programs run this code': /^dist\/.+\.c?js$/,
  'editors and compilers read these declarations': /^dist\/.+\.d\.c?ts$/,
}

/** An install downloads and unpacks all of it. A feature may raise a bound, deliberately. */
const MOST = { files: 400, packedBytes: 460_000, unpackedBytes: 1_900_000 }

describe('the tarball', () => {
  it.each(['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'dist/cli/index.js'])('holds %s', (file) => {
    expect(files).toContain(file)
  })

  it('holds nothing but code, declarations and texts for users', () => {
    const patterns = Object.values(ALLOWED)
    expect(files.filter((file) => !patterns.some((pattern) => pattern.test(file)))).toEqual([])
    expect(files.filter((file) => SENTINELS.includes(file) || /(?:^|\/)(?:test|bench|worker)\//.test(file))).toEqual([])
  })

  it('is small, and has few files', async () => {
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(unpacked, file))).size))
    const { size: packedBytes } = await stat((await pack()).tarball)
    const unpackedBytes = sizes.reduce((sum, size) => sum + size, 0)
    console.log(`${files.length} files, ${packedBytes} B packed, ${unpackedBytes} B unpacked`)
    expect(files.length).toBeLessThanOrEqual(MOST.files)
    expect(packedBytes).toBeLessThanOrEqual(MOST.packedBytes)
    expect(unpackedBytes).toBeLessThanOrEqual(MOST.unpackedBytes)
  })

  it('has no code that no entry and no program reaches', async () => {
    const programs = ['cli/index', 'cli/load-process', 'postgres/connections/tcp', 'postgres/connections/no-tcp']
    const entries = (await entryCode()).concat(programs.map((path) => `dist/${path}.js`))
    const code = files.filter((file) => /^dist\/.+\.js$/.test(file))
    expect(code.sort()).toEqual([...(await reachable(entries))].sort())
  })

  it('has no declarations that no entry reaches', async () => {
    const entries = (await entryCode()).map((file) => file.replace(/\.js$/, '.d.ts'))
    const declarations = files.filter((file) => file.endsWith('.d.ts'))
    expect(declarations.sort()).toEqual([...(await reachable(entries))].sort())
  })

  it('declares only what an export refers to', async () => {
    // A helper of a module that also declares an option.
    expect(await text('dist/cache/settings.d.ts')).toContain('interface CommonOptions')
    expect(await text('dist/cache/settings.d.ts')).not.toContain('parseSettings')
  })

  it('has one line of CommonJS for each entry, and a CommonJS twin for each declaration file', async () => {
    const commonJs = (await entryCode()).map((file) => file.replace(/\.js$/, '.cjs'))
    expect(files.filter((file) => file.endsWith('.cjs')).sort()).toEqual(commonJs.sort())
    const twins = files.filter((file) => file.endsWith('.d.ts')).map((file) => file.replace(/\.ts$/, '.cts'))
    expect(files.filter((file) => file.endsWith('.d.cts')).sort()).toEqual(twins.sort())
  })

  it('declares the same for require as for import, with imports of the same kind', async () => {
    for (const file of files.filter((name) => name.endsWith('.d.cts'))) {
      const specifiers = imports(await text(file)).filter((name) => name.startsWith('.'))
      for (const specifier of specifiers) {
        expect(specifier, file).toMatch(/\.cjs$/)
        await access(resolve(unpacked, dirname(file), specifier.replace(/\.cjs$/, '.d.cts')))
      }
      expect(withoutComments(await text(file)), file).toBe(
        withoutComments(await text(file.replace(/\.d\.cts$/, '.d.ts'))).replace(
          /(?<=from\s|import\()(['"])(\.[^'"]+?)(?:\.d)?\.[jt]sx?\1/g,
          '$1$2.cjs$1',
        ),
      )
    }
  })

  it('has no source maps, and no file refers to one', async () => {
    expect(files.filter((file) => file.endsWith('.map'))).toEqual([])
    for (const file of files) expect(await text(file), file).not.toMatch(/^\/\/# sourceMappingURL=/m)
  })

  it('keeps names and lines in stack traces, and says which source they come from', async () => {
    const script = `const { createCache } = await import('pgstash')
      try { createCache(42) } catch (error) { console.log(error.stack) }`
    const stack = await evaluate(bare, script)
    const [, path = '', line = ''] =
      /at createCache \(.*\/node_modules\/pgstash\/(.+\.js):(\d+):\d+\)/.exec(stack) ?? []
    const lines = (await text(path)).split('\n')
    expect(Math.max(...lines.map((each) => each.length))).toBeLessThan(2_000)
    const above = lines.slice(0, Number(line)).findLast((each) => each.startsWith('// src/'))
    expect(above).toBe('// src/postgres/create-cache.ts')
  })

  it('names no folder of the machine that built it', async () => {
    for (const file of files) {
      const content = await text(file)
      for (const secret of [ROOT, buildFolder, 'file:///', SENTINEL_TEXT]) {
        expect(content.includes(secret), `${file} holds ${secret}`).toBe(false)
      }
    }
  })

  it('imports only files that it holds', async () => {
    for (const file of files.filter((name) => /^dist\/.+\.(?:js|d\.ts)$/.test(name))) {
      for (const specifier of imports(await text(file)).filter((name) => name.startsWith('.'))) {
        const target = resolve(unpacked, dirname(file), specifier)
        // Declarations keep the extension of the source, and TypeScript then looks for the declaration next to it.
        const found = file.endsWith('.js') ? target : target.replace(/(?:\.d)?\.[jt]sx?$/, '.d.ts')
        expect(specifier, file).toMatch(file.endsWith('.js') ? /\.js$/ : /\.[jt]sx?$/)
        await access(found)
      }
    }
  })

  it('imports only packages that it declares', async () => {
    const { dependencies, peerDependencies } = JSON.parse(await text('package.json')) as Manifest
    const declared = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)])
    const undeclared = new Set<string>()
    for (const file of files.filter((name) => /^dist\/.+\.(?:js|d\.ts)$/.test(name))) {
      for (const specifier of imports(await text(file)).filter((name) => !name.startsWith('.'))) {
        const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
        // It is a name of the package's `imports`.
        if (name.startsWith('#')) continue
        if (!declared.has(name) && !builtinModules.includes(name) && !specifier.startsWith('node:')) {
          undeclared.add(`${file}: ${specifier}`)
        }
      }
    }
    expect([...undeclared]).toEqual([])
  })

  it('uses Node built-ins only in dev and the command', async () => {
    const entries = (await entryCode()).filter((file) => file !== 'dist/dev/index.js')
    const code = await reachable([...entries, 'dist/postgres/connections/tcp.js'])
    const declarations = await reachable(entries.map((file) => file.replace(/\.js$/, '.d.ts')))
    for (const file of [...code, ...declarations]) {
      const builtins = imports(await text(file)).filter(
        (name) => name.startsWith('node:') || builtinModules.includes(name),
      )
      expect(builtins, file).toEqual([])
    }
  })

  it('has a command that names its interpreter, to be made executable by the package manager', async () => {
    for (const path of Object.values((await manifest()).bin)) {
      expect(await text(path)).toMatch(/^#!\/usr\/bin\/env node\n/)
    }
  })
})

describe('a TypeScript program that uses the package', () => {
  const STRICT = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true }
  const SETTINGS: Record<string, Record<string, unknown>> = {
    'nodenext, in Node': { module: 'nodenext', moduleResolution: 'nodenext', lib: ['ES2022'], types: ['node'] },
    'bundler, with the DOM library': {
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['ES2022', 'DOM'],
      types: [],
    },
    'bundler, in Workers': {
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['ES2022'],
      types: ['@cloudflare/workers-types'],
    },
  }

  beforeAll(async () => {
    const consumer = join(withDrivers, 'consumer')
    await cp(join(ROOT, 'test/package/consumer'), consumer, { recursive: true })
    // The documents' own store imports nothing but the package.
    await cp(join(ROOT, 'docs/snippets/stores/own-store.ts'), join(consumer, 'own-store.ts'))
  })

  it.each(Object.entries(SETTINGS))('compiles under %s; each wrong use is an error', async (_name, settings) => {
    const { code, stdout } = await compile({ ...STRICT, ...settings, skipLibCheck: true })
    expect(stdout).toBe('')
    expect(code).toBe(0)
  })

  it('finds no error in our declarations when it checks those of libraries too', async () => {
    // Drizzle's own declarations have errors (of peers that nobody installs all of), so ours are picked out.
    const { stdout } = await compile({ ...STRICT, ...SETTINGS['nodenext, in Node'], skipLibCheck: false })
    const errors = stdout.split('\n').filter((line) => /error TS\d+/.test(line))
    expect(errors.filter((line) => !/^(?:\S*\/)?node_modules\/(?!pgstash\/)/.test(line))).toEqual([])
  })

  async function compile(compilerOptions: Record<string, unknown>): Promise<Ran> {
    const file = `tsconfig.${crypto.randomUUID()}.json`
    await writeIn(withDrivers, file, JSON.stringify({ compilerOptions, include: ['consumer/*.ts'] }))
    return run(bin('tsc'), ['-p', file], withDrivers)
  }
})

/** Runs a script in Node as a module of that folder, and returns its output. */
async function evaluate(folder: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await run('node', ['--input-type=module', '-e', script], folder)
  if (code !== 0) throw new Error(stderr)
  return stdout.trim()
}

async function filesOf(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

/** The code of the entries, as paths in the package. */
async function entryCode(): Promise<string[]> {
  const { exports } = await manifest()
  return Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.default.replace('./', '')]))
}

/** These files, and all that they import from the package, directly or not. */
async function reachable(from: readonly string[]): Promise<Set<string>> {
  const found = new Set(from)
  for (const file of found) {
    for (const specifier of imports(await text(file)).filter((name) => name.startsWith('.'))) {
      const target = join(dirname(file), specifier)
      found.add(file.endsWith('.d.ts') ? target.replace(/(?:\.d)?\.[jt]sx?$/, '.d.ts') : target)
    }
  }
  return found
}

function withoutComments(declarations: string): string {
  return declarations.replace(/^[ \t]*\/\*\*[\s\S]*?\*\/\n/gm, '')
}

function text(file: string): Promise<string> {
  return readFile(join(unpacked, file), 'utf8')
}

/** The specifiers that a module's statements name; those in comments are indented or follow an asterisk. */
function imports(code: string): string[] {
  const statements = code.matchAll(/^(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"\n]+)['"]/gm)
  const calls = code.matchAll(/\bimport\(\s*['"]([^'"\n]+)['"]/g)
  return [...statements, ...calls].map(([, specifier]) => specifier ?? '')
}

/** The names that a declaration file exports, those of `export *` included. */
async function declaredNames(file: string): Promise<Set<string>> {
  const code = await readFile(file, 'utf8')
  const names = new Set<string>()
  const declarations = /^export (?:declare )?(?:abstract )?(?:function|const|class|interface|type|enum) (\w+)/gm
  for (const [, name] of code.matchAll(declarations)) names.add(name ?? '')
  for (const [, list] of code.matchAll(/^export (?:type )?\{([^}]*)\}/gm)) {
    for (const item of (list ?? '').split(',')) {
      const name = item.trim().split(/\s+/).at(-1)
      if (name) names.add(name)
    }
  }
  for (const [, specifier] of code.matchAll(/^export \* from ['"](.+?)\.[jt]s['"]/gm)) {
    for (const name of await declaredNames(join(dirname(file), `${specifier}.d.ts`))) names.add(name)
  }
  return names
}
