/**
 * Removes content from causes.
 *
 * Drivers, codecs and Postgres put values, parameters and connection strings into messages ("invalid input syntax for
 * type numeric: …", "Key (key)=(…) already exists"). The `cause` of a pgstash error keeps the class, the code, and where
 * it was thrown. Its message is this package's own.
 */

/** Names of error classes. `error` is node-postgres's. */
const CLASS_NAME = /^(?:error|[A-Z][A-Za-z]{0,40}(?:Error|Exception))$/
/** Postgres's SQLSTATEs, but not EPIPE, which also has five characters. */
export const SQLSTATE = /^[0-9FHPX][0-9A-Z]{4}$/
/** Codes of Node, OpenSSL, undici, Bun and drivers. */
const CODE =
  /^(?:E[A-Z]{2,14}|EAI_[A-Z]{4,8}|Connection(?:Refused|Closed|Reset)|FailedToOpenSocket|(?:ERR|UND_ERR|CONNECT|CONNECTION|NOT_TAGGED|SASL|CERT|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|HOSTNAME)_[A-Z_]{2,40})$/
const FRAME = /^\s+at .*(?::\d+:\d+\)?|<anonymous>\)?|native\)?)$/

/** A copy of an error that keeps its class, its code, and where it was thrown. Its message holds no content. */
export function withoutContent(error: unknown, message?: string): Error {
  const code = safeCode(error)
  const copy = new Error(message ?? (code === undefined ? 'message withheld' : `message withheld, code ${code}`))
  const name = text(error, 'name')
  copy.name = CLASS_NAME.test(name) ? name : 'Error'
  Object.defineProperty(copy, 'stack', {
    value: [`${copy.name}: ${copy.message}`, ...framesOf(error)].join('\n'),
    configurable: true,
    writable: true,
  })
  return copy
}

/** The error's code, if it has the form of a code. */
export function safeCode(error: unknown): string | undefined {
  const code = text(error, 'code')
  return SQLSTATE.test(code) || CODE.test(code) ? code : undefined
}

/** The frames of a stack. None if the stack repeats another message, because lines of that could look like frames. */
function framesOf(error: unknown): string[] {
  const stack = text(error, 'stack')
  const message = text(error, 'message')
  const start = stack.indexOf(message)
  return start === -1
    ? []
    : stack
        .slice(start + message.length)
        .split('\n')
        .filter((line) => FRAME.test(line))
}

/** A field of a thrown value. Empty if it holds no text. */
export function text(error: unknown, field: 'code' | 'message' | 'name' | 'stack' | 'syscall' | 'hostname'): string {
  const value: unknown = Reflect.get(Object(error), field)
  return typeof value === 'string' ? value : ''
}
