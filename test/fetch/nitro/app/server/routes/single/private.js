import { cached } from '../../lib/cached'
import { personal } from '../../lib/handlers'

export default cached(personal)
