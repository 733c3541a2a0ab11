/**
 * Removes content from the causes of errors.
 *
 * Drivers, codecs and Postgres put values, parameters and connection strings into messages ("invalid input syntax for
 * type numeric: …", "Key (key)=(…) already exists"). The `cause` of a pgstash error keeps the class, the code, and the
 * stack frames. pgstash writes its message.
 */

/** The names of error classes. node-postgres uses `error`. */
const CLASS_NAME = /^(?:error|[A-Z][A-Za-z]{0,40}(?:Error|Exception))$/
/** Postgres's SQLSTATEs, but not EPIPE, which also has five characters. */
export const SQLSTATE = /^[0-9FHPX][0-9A-Z]{4}$/
/** The codes of Node, OpenSSL, undici, Bun and drivers. */
const CODE =
  /^(?:E[A-Z]{2,14}|EAI_[A-Z]{4,8}|Connection(?:Refused|Closed|Reset)|FailedToOpenSocket|(?:ERR|UND_ERR|CONNECT|CONNECTION|NOT_TAGGED|SASL|CERT|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|HOSTNAME)_[A-Z_]{2,40})$/
const FRAME = /^\s+at .*(?::\d+:\d+\)?|<anonymous>\)?|native\)?)$/

/** Copies an error with its class, its code and its stack frames. The message of the copy has no content. */
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

/** Returns the code of an error, if it has the form of a known code. */
export function safeCode(error: unknown): string | undefined {
  const code = text(error, 'code')
  return SQLSTATE.test(code) || CODE.test(code) ? code : undefined
}

/**
 * Returns the frames of a stack. Returns none if the stack does not repeat the error's message: lines of another
 * message could look like frames.
 */
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

/** Returns a field of a thrown value, or an empty text if it is not a text. */
export function text(error: unknown, field: 'code' | 'message' | 'name' | 'stack' | 'syscall' | 'hostname'): string {
  const value: unknown = Reflect.get(Object(error), field)
  return typeof value === 'string' ? value : ''
}
