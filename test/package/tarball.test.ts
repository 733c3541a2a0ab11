import { access, cp, readdir, readFile } from 'node:fs/promises'
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
  './unstorage': {
    values: ['default', 'unstorageDriver'],
    types: ['UnstorageDriver', 'UnstorageDriverOptions'],
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

  /** What is made for Hono needs Hono; nothing else needs any optional peer. */
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

describe('the tarball', () => {
  const ALLOWED = [
    /^package\.json$/,
    /^(?:README|LICENSE|CHANGELOG)(?:\.md)?$/,
    /^docs\/[\w-]+\.md$/,
    /^drizzle\/\d{4}_\w+\.sql$/,
    /^src\/.+\.tsx?$/,
    /^dist\/.+\.(?:js|d\.ts)(?:\.map)?$/,
    /^dist\/.+\.(?:cjs|d\.cts)$/,
  ]

  it.each(['README.md', 'LICENSE', 'CHANGELOG.md', 'drizzle/0000_init.sql', 'src/index.ts', 'dist/index.js'])(
    'holds %s',
    (file) => {
      expect(files).toContain(file)
    },
  )

  it('holds nothing but the build, its sources, the migrations and the documents', () => {
    expect(files.filter((file) => !ALLOWED.some((pattern) => pattern.test(file)))).toEqual([])
    expect(files.filter((file) => SENTINELS.includes(file) || /(?:^|\/)(?:test|bench|worker)\//.test(file))).toEqual([])
  })

  it('holds for each source its code, its declarations and their maps', async () => {
    const sources = files.filter((file) => /^src\/.+\.tsx?$/.test(file))
    expect(sources.length).toBeGreaterThan(50)
    const expected = sources.flatMap((file) => {
      const built = file.replace(/^src\//, 'dist/').replace(/\.tsx?$/, '')
      return [`${built}.js`, `${built}.js.map`, `${built}.d.ts`, `${built}.d.ts.map`]
    })
    const isCommonJs = (file: string) => /\.(?:cjs|d\.cts)$/.test(file)
    const built = files.filter((file) => file.startsWith('dist/'))
    expect(built.filter((file) => !isCommonJs(file)).sort()).toEqual(expected.sort())
    // For `require`, each entry has one line of code, and the declarations have twins.
    const commonJs = Object.values((await manifest()).exports).map((entry) => dirname(Object(entry).default ?? ''))
    expect(
      built
        .filter((file) => file.endsWith('.cjs'))
        .map((file) => `./${dirname(file)}`)
        .sort(),
    ).toEqual(commonJs.filter((folder) => folder !== '.').sort())
    for (const file of built.filter((name) => name.endsWith('.d.cts'))) {
      expect(files).toContain(file.replace(/\.d\.cts$/, '.d.ts'))
    }
  })

  it('declares the same for require as for import, with imports of the same kind', async () => {
    for (const file of files.filter((name) => name.endsWith('.d.cts'))) {
      const specifiers = imports(await text(file)).filter((name) => name.startsWith('.'))
      for (const specifier of specifiers) {
        expect(specifier, file).toMatch(/\.cjs$/)
        await access(resolve(unpacked, dirname(file), specifier.replace(/\.cjs$/, '.d.cts')))
      }
    }
  })

  it('has maps whose sources are in it', async () => {
    for (const file of files.filter((name) => name.endsWith('.map'))) {
      const { sources } = JSON.parse(await text(file)) as { sources: string[] }
      for (const source of sources) await access(join(unpacked, dirname(file), source))
    }
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
        // Of package.json's own `imports`.
        if (name.startsWith('#')) continue
        if (!declared.has(name) && !builtinModules.includes(name) && !specifier.startsWith('node:')) {
          undeclared.add(`${file}: ${specifier}`)
        }
      }
    }
    expect([...undeclared]).toEqual([])
  })

  it('uses Node built-ins only in dev and cli', async () => {
    for (const file of files.filter((name) => /^dist\/(?!dev\/|cli\/).+\.(?:js|d\.ts)$/.test(name))) {
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

/** What a script prints, run by Node as a module of that folder. */
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
