/** `pgstash clear-all` */
import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import { visibleName } from '../values/visible-name.ts'
import { type CacheFlags, type Place, withCache, withCacheOptions } from './cache-options.ts'
import { EXIT } from './exit-codes.ts'
import { entries, examples } from './formats.ts'
import { note, print } from './output.ts'
import { UserError } from './user-error.ts'

interface Flags extends CacheFlags {
  yes?: boolean
}

export const clearAllCommand = withCacheOptions(new Command('clear-all'))
  .description('delete all entries; asks first')
  .option('--yes', 'do not ask first')
  .addHelpText('after', examples('pgstash clear-all --namespace shop', 'pgstash clear-all --yes'))
  .action(async ({ yes = false, ...flags }: Flags) => {
    if (!yes && !process.stdin.isTTY) throw new UserError('Expected --yes, as nobody is here to be asked.')
    await withCache(flags, async (place) => {
      if (!yes && !(await isAgreed(place))) {
        note('Nothing was deleted.')
        process.exitCode = EXIT.no
        return
      }
      await print(`Deleted ${entries(await place.cache.clear())}.\n`)
    })
  })

async function isAgreed({ cache, scope, name }: Place): Promise<boolean> {
  const { total, estimated } = await cache.stats()
  const where = scope.prefix === '' ? name : `the namespace ${scope.names.map(visibleName).join(' | ')} of ${name}`
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-C and Ctrl-D are no answer, and so a no.
  const ended = new AbortController()
  asking.once('close', () => ended.abort())
  const question = `This deletes ${estimated ? 'about ' : ''}${entries(total)} of ${where}. Go on? [y/N] `
  const answer = await asking.question(question, { signal: ended.signal }).catch(() => '')
  asking.close()
  return /^y(es)?$/i.test(answer.trim())
}
