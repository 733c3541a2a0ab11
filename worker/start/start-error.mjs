/** An error that the user can fix. It is shown as one line, without a stack trace. */
export class StartError extends Error {
  name = 'StartError'
}
