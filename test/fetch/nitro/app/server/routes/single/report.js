import { cached } from '../../lib/cached'
import { report } from '../../lib/handlers'

export default cached(report)
