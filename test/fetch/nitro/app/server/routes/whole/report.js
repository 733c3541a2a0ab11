export { report as default } from '../../lib/handlers'
