export { failing as default } from '../../lib/handlers'
