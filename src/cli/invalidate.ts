/** `pgstash invalidate` */
import { Command } from 'commander'
import { formatCount } from '../doctor/figures.ts'
import { type TableFlags, withCache, withTableOptions } from './cache-options.ts'
import { examples } from './formats.ts'
import { print } from './output.ts'

export const invalidateCommand = withTableOptions(new Command('invalidate'))
  .description('invalidate entries with any of the tags')
  .argument('<tag...>', 'tags to invalidate')
  .addHelpText('after', examples('pgstash invalidate products', "pgstash invalidate 'table:public.products'"))
  .action(async (tags: string[], flags: TableFlags) => {
    await withCache(flags, async ({ cache }) => {
      await cache.invalidate(tags)
      await print(`Invalidated ${formatCount(tags.length, 'tag')}.\n`)
    })
  })
