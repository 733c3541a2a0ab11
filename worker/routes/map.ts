import { Hono } from 'hono'
import { answer, cachedAnswers } from '../answers.ts'
import { servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { peopleMap } from '../queries/people-map.ts'
import { WORLD_TAG } from '../tags.ts'

/** `GET /cities/map`: where people live, as a grid. */
export const map = new Hono<AppEnv>().get(
  '/',
  cachedAnswers(() => '/cities/map'),
  async (c) => answer(c, await peopleMap(servicesOf(c.env)), [WORLD_TAG]),
)
