/** True in the project that runs suites over HTTP without routines, so that all statements are sent inline. */
export const IS_INLINE = process.env.TEST_STATEMENTS === 'inline'

/** The rounds of a race or fuzz test. A quarter is enough for the second run of a suite. */
export function rounds(count: number): number {
  return IS_INLINE ? Math.ceil(count / 4) : count
}
