/** Something that the person at the terminal can put right: shown as one line, without a stack trace. */
export class StartError extends Error {
  name = 'StartError'
}
