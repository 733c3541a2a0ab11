/** A test replaces this file with the handler in the documents. */
export { handler } from '../../../docs/snippets/http/handler.ts'
