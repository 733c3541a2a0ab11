/** A test replaces this file with one that names its own origin. */
export const ORIGIN = ''
