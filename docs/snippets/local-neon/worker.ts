import { neon, neonConfig } from '@neondatabase/serverless'

interface Env {
  DATABASE_URL: string
  NEON_FETCH_ENDPOINT?: string
}

export default {
  async fetch(_request: Request, env: Env) {
    const { NEON_FETCH_ENDPOINT: endpoint } = env
    if (endpoint) neonConfig.fetchEndpoint = () => endpoint
    return Response.json(await neon(env.DATABASE_URL)`select now()`)
  },
}
