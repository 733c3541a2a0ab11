/**
 * Causes without content.
 *
 * Drivers, codecs and Postgres itself put values, parameters and connection strings into messages ("invalid input
 * syntax for type numeric: …", "Key (key)=(…) already exists", "Unexpected token … in JSON"). What a pgstash error
 * carries as its `cause` keeps only what cannot hold any: the error's class, its code, and where it was thrown.
 */

/** What classes of errors are called; `error` is what node-postgres calls its own. */
const CLASS_NAME = /^(?:error|[A-Z][A-Za-z]{0,40}(?:Error|Exception))$/
/** A SQLSTATE, a code of Node or of a driver. */
const CODE = /^(?:[0-9FHPX][0-9A-Z]{4}|E[A-Z0-9]{2,20}|(?:ERR|UND_ERR|CONNECT|CONNECTION|NOT_TAGGED)_[A-Z_]{2,40})$/
const FRAME = /^\s+at .*(?::\d+:\d+\)?|<anonymous>\)?|native\)?)$/

/** A stand-in for an error, with its class name, its code and its stack frames, and nothing that it says. */
export function withoutContent(error: unknown): Error {
  const name = read(error, 'name', CLASS_NAME)
  const code = read(error, 'code', CODE)
  const copy = new Error(code === undefined ? 'message withheld' : `message withheld, code ${code}`)
  copy.name = name ?? 'Error'
  const frames = error instanceof Error ? stackFrames(error) : undefined
  Object.defineProperty(copy, 'stack', {
    value: `${copy.name}: ${copy.message}${frames ?? ''}`,
    configurable: true,
    writable: true,
  })
  return copy
}

function read(error: unknown, field: 'name' | 'code', form: RegExp): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const value: unknown = Reflect.get(error, field)
  return typeof value === 'string' && form.test(value) ? value : undefined
}

// The first lines of a stack repeat the message, which may span lines: keep only well-formed frames.
function stackFrames(error: Error): string | undefined {
  const message = error.message ?? ''
  const stack = error.stack ?? ''
  const rest = stack.includes(message) ? stack.slice(stack.indexOf(message) + message.length) : stack
  const frames = rest.split('\n').filter((line) => FRAME.test(line))
  return frames.length === 0 ? undefined : `\n${frames.join('\n')}`
}
