import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate as migrateOwn } from 'drizzle-orm/node-postgres/migrator'
import { migrate } from 'pgstash/migrate'

const db = drizzle(process.env.DATABASE_URL ?? '')
// Your own migrations create the tables; pgstash adopts them and adds what Drizzle cannot express.
await migrateOwn(db, { migrationsFolder: './migrations' })
await migrate(db)
await db.$client.end()
