import type { NeonQueryFunction } from '@neondatabase/serverless'

export function loadCities(
  sql: NeonQueryFunction<false, false>,
  options?: { limit?: number; onProgress?: (loaded: number, total: number) => void; signal?: AbortSignal },
): Promise<{ total: number; loaded: number }>
