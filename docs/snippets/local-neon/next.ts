// db.ts
import { neon, neonConfig } from '@neondatabase/serverless'

const endpoint = process.env.NEON_FETCH_ENDPOINT
if (endpoint) neonConfig.fetchEndpoint = () => endpoint

export const sql = neon(process.env.DATABASE_URL ?? '')
