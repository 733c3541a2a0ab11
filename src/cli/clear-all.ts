/** `pgstash clear-all` */
import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import { visibleName } from '../values/visible-name.ts'
import { type CacheFlags, type Place, withCache, withCacheOptions } from './cache-options.ts'
import { EXIT } from './exit-codes.ts'
import { countEntries, examples } from './formats.ts'
import { note, print } from './output.ts'
import { UserError } from './user-error.ts'

interface Flags extends CacheFlags {
  yes?: boolean
}

export const clearAllCommand = withCacheOptions(new Command('clear-all'))
  .description('delete all entries; ask first')
  .option('--yes', 'delete without asking first')
  .addHelpText('after', examples('pgstash clear-all --namespace shop', 'pgstash clear-all --yes'))
  .action(async ({ yes = false, ...flags }: Flags) => {
    if (!yes && !process.stdin.isTTY) {
      throw new UserError('Expected --yes: the command cannot ask, because standard input is not a terminal.')
    }
    await withCache(flags, async (place) => {
      if (!yes && !(await isConfirmed(place))) {
        note('Nothing was deleted.')
        process.exitCode = EXIT.no
        return
      }
      await print(`Deleted ${countEntries(await place.cache.clear())}.\n`)
    })
  })

async function isConfirmed({ cache, scope, name }: Place): Promise<boolean> {
  const { total, estimated } = await cache.stats()
  const where = scope.prefix === '' ? name : `the namespace ${scope.names.map(visibleName).join(' | ')} of ${name}`
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-C and Ctrl-D count as "no".
  const ended = new AbortController()
  asking.once('close', () => ended.abort())
  const question = `This deletes ${estimated ? 'about ' : ''}${countEntries(total)} of ${where}. Continue? [y/N] `
  const answer = await asking.question(question, { signal: ended.signal }).catch(() => '')
  asking.close()
  return /^y(es)?$/i.test(answer.trim())
}
