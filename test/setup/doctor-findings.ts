import type { Database } from 'pgstash'
import { examine } from '../../src/doctor/examine.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { createRunner } from '../../src/postgres/runner.ts'
import { defaultTables } from '../../src/schema/index.ts'
import { namesOf } from '../../src/schema/table-names.ts'

/** The findings of `doctor` about the default tables of a database. */
export function findingsOf(db: Database): Promise<Finding[]> {
  const runner = createRunner(db, { tables: namesOf(defaultTables), timeoutMs: 30_000, preparedNames: false })
  return examine({ runner, tables: namesOf(defaultTables), host: 'localhost', port: 1, isHttp: false, now: Date.now })
}
