/** Runs all checks; one that fails is a finding as well, and stops none of the others. */
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
    // The server is unreachable, or an engine on which the other checks would fail.
    if (isBad && (check.name === CONNECTION || check.name === ENGINE)) return findings
    if (check.name === 'migrations' && isBad) hasTables = false
  }
  return findings
}

/** The worst of all. */
export function statusOf(findings: readonly Finding[]): Status {
  return STATUSES[Math.max(0, ...findings.map(({ status }) => STATUSES.indexOf(status)))] ?? 'ok'
}

async function look(check: Check, examined: Examined): Promise<Observation[]> {
  try {
    return await check.look(examined)
  } catch (error) {
    if (!(error instanceof CacheError)) throw error
    if (error instanceof DatabaseError && error.sqlState === INSUFFICIENT_PRIVILEGE) {
      return [{ status: 'note', what: 'Not checked: this role may not look.', advice: 'Run it as a role that may.' }]
    }
    if (check.name === CONNECTION) {
      return [
        { status: 'problem', what: error.message, advice: 'Check the connection string, the network and the server.' },
      ]
    }
    return [{ status: 'warning', what: `Not checked: ${error.message}` }]
  }
}
