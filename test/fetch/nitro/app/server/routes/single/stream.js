import { cached } from '../../lib/cached'
import { stream } from '../../lib/handlers'

export default cached(stream)
