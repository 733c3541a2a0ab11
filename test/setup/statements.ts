/** True in the project that runs suites over HTTP without routines, so that all statements are sent inline. */
export const IS_INLINE = process.env.TEST_STATEMENTS === 'inline'
