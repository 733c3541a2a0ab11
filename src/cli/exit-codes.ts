/** The exit codes of the command. Scripts and monitoring rely on them. */
export const EXIT = {
  done: 0,
  /** A miss, nothing to change, or findings of `doctor`. */
  no: 1,
  /** The command line or the input is wrong. */
  usage: 2,
  /** The database refused the command, or is unreachable. */
  failure: 3,
  /** Ended by Ctrl-C. As in shells: 128 plus the number of the signal. */
  interrupted: 130,
} as const
