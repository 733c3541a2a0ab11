import { Hono } from 'hono'
import type { AppEnv } from './env.ts'
import { errorResponse } from './errors.ts'
import { city } from './routes/city.ts'
import { cleanup } from './routes/cleanup.ts'
import { countries } from './routes/countries.ts'
import { entries } from './routes/entries.ts'
import { health } from './routes/health.ts'
import { map } from './routes/map.ts'
import { near } from './routes/near.ts'
import { page } from './routes/page.ts'
import { search } from './routes/search.ts'
import { sun } from './routes/sun.ts'
import { views } from './routes/views.ts'

/** The demonstration's routes. */
export const app = new Hono<AppEnv>()
  .use(async (c, next) => {
    await next()
    c.header('x-content-type-options', 'nosniff')
  })
  .route('/', page)
  .route('/cities/near', near)
  .route('/cities/countries', countries)
  .route('/cities/map', map)
  .route('/cities/search', search)
  .route('/cities', city)
  .route('/sun', sun)
  .route('/views', views)
  .route('/entries', entries)
  .route('/cleanup', cleanup)
  .route('/health', health)
  .notFound((c) => c.json({ error: 'There is nothing here. Try /, or /cities/near?lat=48.85&lng=2.35' }, 404))
  .onError((error) => errorResponse(error))
