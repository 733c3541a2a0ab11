import { pages } from './app.ts'

export default pages()
