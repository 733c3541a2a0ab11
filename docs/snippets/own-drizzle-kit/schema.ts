import { pgTable, text } from 'drizzle-orm/pg-core'

export * from 'pgstash/schema'

export const products = pgTable('products', { id: text('id').primaryKey(), name: text('name').notNull() })
