/** Runs all checks. A check that fails becomes a finding and does not stop the others. */
import { CacheError, DatabaseError } from '../values/errors.ts'
import { CHECKS } from './checks/index.ts'
import { type Check, type Examined, type Finding, type Observation, STATUSES, type Status } from './finding.ts'

const CONNECTION = 'connection'
const ENGINE = 'engine'
const INSUFFICIENT_PRIVILEGE = '42501'

export async function examine(examined: Examined): Promise<Finding[]> {
  const findings: Finding[] = []
  let hasTables = true
  for (const check of CHECKS) {
    if (check.needsTables && !hasTables) continue
    const seen = await look(check, examined)
    findings.push(...seen.map((observation) => ({ check: check.name, ...observation })))
    const isBad = seen.some(({ status }) => status === 'problem')
    // The server is unreachable, or the other checks would fail on this engine.
    if (isBad && (check.name === CONNECTION || check.name === ENGINE)) return findings
    if (check.name === 'migrations' && isBad) hasTables = false
  }
  return findings
}

/** Returns the worst status. */
export function statusOf(findings: readonly Finding[]): Status {
  return STATUSES[Math.max(0, ...findings.map(({ status }) => STATUSES.indexOf(status)))] ?? 'ok'
}

async function look(check: Check, examined: Examined): Promise<Observation[]> {
  try {
    return await check.look(examined)
  } catch (error) {
    if (!(error instanceof CacheError)) throw error
    if (error instanceof DatabaseError && error.sqlState === INSUFFICIENT_PRIVILEGE) {
      const what = 'Not checked: this role lacks the privilege to read what the check needs.'
      return [{ status: 'note', what, advice: 'Run `pgstash doctor` as the owner of the tables.' }]
    }
    if (check.name === CONNECTION) {
      return [
        {
          status: 'problem',
          what: error.message,
          advice: 'Check the connection string and the network, and that the server runs.',
        },
      ]
    }
    return [{ status: 'warning', what: `Not checked: ${error.message}` }]
  }
}
