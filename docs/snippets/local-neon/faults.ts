import { startLocalNeon } from 'pgstash/dev'
import { createFaults } from 'pgstash/testing'

const faults = createFaults()
const local = await startLocalNeon({ intercept: faults })

faults.next({ kind: 'lose' }) // the next request: executed, but its answer is lost
faults.always({ kind: 'error', status: 503 }) // all after it
faults.heal()
console.log(faults.requests, faults.statements, faults.bytesIn, faults.bytesOut, faults.log)

await local.close()
