/** What the command ends with; scripts and monitoring rely on it. */
export const EXIT = {
  done: 0,
  /** No: a miss, nothing there to change, or `doctor` found something. */
  no: 1,
  /** The command line, or what was handed in, is wrong. */
  usage: 2,
  /** The database refused, or could not be reached. */
  failure: 3,
  /** Ended by Ctrl-C, as shells have it: 128 and the signal's number. */
  interrupted: 130,
} as const
