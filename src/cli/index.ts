#!/usr/bin/env node
/** The `pgstash` command. */
import { exitCodeOf } from './failing.ts'
import { endWithReader } from './output.ts'
import { runProgram } from './program.ts'

endWithReader()
try {
  await runProgram(process.argv.slice(2))
} catch (error) {
  process.exitCode = exitCodeOf(error)
}
