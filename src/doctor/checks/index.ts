/** All checks, from the connection to the details. A check may rely on the ones before it. */

import type { Check } from '../finding.ts'
import { cleanup } from './cleanup.ts'
import { clock } from './clock.ts'
import { connection } from './connection.ts'
import { distribution } from './distribution.ts'
import { engine } from './engine.ts'
import { heapOnly } from './heap-only.ts'
import { history } from './history.ts'
import { indexes } from './indexes.ts'
import { leases } from './leases.ts'
import { log } from './log.ts'
import { migrations } from './migrations.ts'
import { ownership } from './ownership.ts'
import { pooler } from './pooler.ts'
import { privileges } from './privileges.ts'
import { routines } from './routines.ts'
import { rowSecurity } from './row-security.ts'
import { server } from './server.ts'
import { settings } from './settings.ts'
import { toast } from './toast.ts'
import { transactions } from './transactions.ts'
import { unlogged } from './unlogged.ts'
import { vacuum } from './vacuum.ts'

export const CHECKS: readonly Check[] = [
  ...[connection, engine, server, pooler, clock, rowSecurity, migrations],
  ...[privileges, ownership, routines, history, distribution],
  ...[indexes, settings, unlogged],
  ...[vacuum, toast, heapOnly, cleanup, leases, log, transactions],
]
