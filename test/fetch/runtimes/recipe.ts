/** A test replaces this file with the recipe under test. */
import { handler } from './handler.ts'

export { handler as GET, handler as HEAD, handler as PUT }
export default { fetch: handler }
