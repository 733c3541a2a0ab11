export { GET } from '../[name]/route'
