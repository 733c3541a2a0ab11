import { cache } from 'hono/cache'
import { pages } from './app.ts'

export default pages(cache({ cacheName: 'pages', cacheControl: 'max-age=3600' }))
