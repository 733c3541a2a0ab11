import { cached } from '../../lib/cached'
import { failing } from '../../lib/handlers'

export default cached(failing)
