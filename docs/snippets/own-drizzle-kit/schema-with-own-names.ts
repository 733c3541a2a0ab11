import { pgSchema, pgTable, text } from 'drizzle-orm/pg-core'
import { cacheTables } from 'pgstash/schema'

// drizzle-kit creates only exported tables and schemas, so export each of them.
export const stash = pgSchema('stash')
export const tables = cacheTables({ schema: 'stash', prefix: 'shop_' })
export const { entries, leases, invalidations, state, changes, history } = tables

export const products = pgTable('products', { id: text('id').primaryKey(), name: text('name').notNull() })
