/** `createCache.fromEnv()` in apps of Next, built without a database and without the package `pg`. */
import { spawn } from 'node:child_process'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { install, linkPackages, pack, ROOT, run, writeIn } from '../package/packed.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { freePort } from '../setup/free-port.ts'

const BUILD_MS = 600_000

const ROUTE = `import { createCache } from 'pgstash'
const cache = createCache.fromEnv(undefined, { timeout: 60_000, warn: false })
export const dynamic = 'force-dynamic'
export async function GET(request) {
  const key = new URL(request.url).searchParams.get('key')
  try {
    return Response.json({ value: await cache.getOrSet(key, () => 'computed'), hit: await cache.get(key) })
  } catch ({ code, message }) {
    return Response.json({ code, message })
  }
}`
const LAYOUT = `export default function Layout({ children }) { return <html><body>{children}</body></html> }`

let database: string
let http: string

beforeAll(async () => {
  database = await createDatabase()
  await migrate(database)
  const server = await startLocalNeon({ database })
  cleanup(() => server.close())
  http = server.connectionString
})

describe.each([
  ['Turbopack', ['build']],
  ['webpack', ['build', '--webpack']],
])('Next with %s', (bundler, build) => {
  it(
    'builds, serves an HTTP database, and explains what TCP needs',
    async () => {
      const folder = await install(await pack())
      await linkPackages(folder, ['react', 'react-dom'])
      await symlink(join(ROOT, 'node_modules/next'), join(folder, 'node_modules/next'), 'dir')
      await writeIn(folder, 'app/layout.jsx', LAYOUT)
      await writeIn(folder, 'app/api/route.js', ROUTE)
      // Next and its compiler are links to a folder outside of the app.
      await writeIn(
        folder,
        'next.config.mjs',
        `export default { turbopack: { root: '/' }, outputFileTracingRoot: '/' }`,
      )
      const binary = join(folder, 'node_modules/next/dist/bin/next')
      const env = { NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1', HOME: folder }
      const built = await run(process.execPath, [binary, ...build], folder, env)
      expect(built, built.stdout + built.stderr).toMatchObject({ code: 0 })

      const answerOf = async (url: string) => {
        const port = await freePort()
        const child = spawn(process.execPath, [binary, 'start', '-H', '127.0.0.1', '-p', String(port)], {
          cwd: folder,
          env: { ...process.env, ...env, DATABASE_URL: url } as NodeJS.ProcessEnv,
          stdio: 'ignore',
        })
        cleanup(() => child.kill('SIGKILL'))
        const ask = () => fetch(`http://127.0.0.1:${port}/api?key=${bundler}`)
        await eventually(ask)
        const answer = await (await ask()).json()
        child.kill('SIGKILL')
        return answer
      }
      expect(await answerOf(http)).toEqual({ value: 'computed', hit: 'computed' })
      expect(await answerOf(database)).toEqual({
        code: 'DATABASE',
        message: expect.stringMatching(/^Expected the package pg to be installed, .* npm install pg$/),
      })
    },
    BUILD_MS,
  )
})
