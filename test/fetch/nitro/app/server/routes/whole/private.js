export { personal as default } from '../../lib/handlers'
