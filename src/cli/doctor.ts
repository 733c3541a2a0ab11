/** `pgstash doctor` */
import { Command, Option } from 'commander'
import { examine, statusOf } from '../doctor/examine.ts'
import { formatCount } from '../doctor/figures.ts'
import { type Finding, STATUSES, type Status } from '../doctor/finding.ts'
import { namesOf } from '../schema/table-names.ts'
import { wallClock } from '../values/clock.ts'
import { type TableFlags, withCache, withTableOptions } from './cache-options.ts'
import { EXIT } from './exit-codes.ts'
import { examples, JSON_HELP } from './formats.ts'
import { colors, print } from './output.ts'

interface Flags extends TableFlags {
  json?: boolean
  failOn: Status
}

export const doctorCommand = withTableOptions(new Command('doctor'))
  .description('check the cache and say what to fix; change nothing')
  .option('--json', JSON_HELP)
  .addOption(
    new Option('--fail-on <status>', 'exit with 1 at this status or worse')
      .choices(['note', 'warning', 'problem'])
      .default('warning'),
  )
  .addHelpText('after', examples('pgstash doctor', 'pgstash doctor --json --fail-on problem'))
  .action(async ({ json = false, failOn, ...flags }: Flags) => {
    await withCache(flags, async ({ runner, tables, host, port, isHttp }) => {
      const findings = await examine({ runner, tables: namesOf(tables), host, port, isHttp, now: wallClock })
      const status = statusOf(findings)
      await print(json ? `${JSON.stringify({ status, findings }, null, 2)}\n` : await report(findings))
      if (STATUSES.indexOf(status) >= STATUSES.indexOf(failOn)) process.exitCode = EXIT.no
    })
  })

const NAME_WIDTH = 14

async function report(findings: readonly Finding[]): Promise<string> {
  const { green, cyan, yellow, red, bold, dim } = await colors()
  const marks: Record<Status, string> = {
    ok: green('ok     '),
    note: cyan('note   '),
    warning: yellow('warning'),
    problem: red('problem'),
  }
  const lines = findings.flatMap(({ check, status, what, advice }) => [
    `${marks[status]}  ${bold(check.padEnd(NAME_WIDTH))}${what}`,
    ...(advice === undefined ? [] : [`${' '.repeat(9 + NAME_WIDTH)}${dim('→')} ${advice}`]),
  ])
  const many = (status: Status) => findings.filter((finding) => finding.status === status).length
  const found = (['problem', 'warning', 'note'] as const).filter((status) => many(status) > 0)
  const sum = found.map((status) => formatCount(many(status), status)).join(', ')
  return `${[...lines, '', bold(sum === '' ? 'All is well.' : `${sum}.`)].join('\n')}\n`
}
