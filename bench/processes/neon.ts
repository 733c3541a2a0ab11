/** Local Neon endpoints: one for each database that is asked for. */
import { pathToFileURL } from 'node:url'
import { answer } from '../harness/child.ts'

const POOL_SIZE = 32

answer(async ({ dist, database }: { dist: string; database: string }) => {
  const dev = (await import(pathToFileURL(`${dist}/dev/index.js`).href)) as typeof import('pgstash/dev')
  const { connectionString } = await dev.startLocalNeon({ database, poolSize: POOL_SIZE })
  return connectionString
})
