export { stream as default } from '../../lib/handlers'
