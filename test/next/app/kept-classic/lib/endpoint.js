import { neonConfig } from '@neondatabase/serverless'

neonConfig.fetchEndpoint = () => process.env.NEON_FETCH_ENDPOINT
