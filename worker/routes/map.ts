import { Hono } from 'hono'
import { servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { peopleMap } from '../queries/people-map.ts'
import { cachedResponse } from '../response-cache.ts'
import { WORLD_TAG } from '../tags.ts'

/** `GET /cities/map`: where people live, as a grid. */
export const map = new Hono<AppEnv>().get('/', (c) =>
  cachedResponse(c, {
    key: '/cities/map',
    compute: async () => ({ body: await peopleMap(servicesOf(c.env)), tags: [WORLD_TAG] }),
  }),
)
