/** Makes a Drizzle database from a driver's own client, so that programs need not use Drizzle. */
import { drizzle } from 'drizzle-orm/pg-proxy'
import type { Database } from '../database.ts'
import { markAsDirect } from '../drivers/session-kind.ts'
import { type SendText, senderOver } from './client-sender.ts'

/**
 * Makes a Drizzle database over a driver's client, for `migrate` and similar functions.
 *
 * It uses Drizzle's proxy driver, because that imports no driver's package.
 */
export function databaseOver(client: object): Database {
  const send = senderOver(client) as SendText
  const db = drizzle(async (text, values, method) => send(text, values, method === 'all'))
  markAsDirect(db)
  return Object.assign(db, { $client: client })
}
