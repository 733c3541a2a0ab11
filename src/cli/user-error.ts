/** A mistake that the user can fix. The command prints it as one line, without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError'
}
