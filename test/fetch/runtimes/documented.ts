/** A test replaces this file with the documented handler. */
export { handler } from '../../../docs/snippets/http/handler.ts'
