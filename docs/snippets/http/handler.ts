/** The response says how long it is fresh, and how long the cache may serve it stale while it refreshes it. */
export async function handler(request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url)
  const report = { city: searchParams.get('city') ?? 'Paris', madeAt: new Date().toISOString() }
  return Response.json(report, { headers: { 'cache-control': 'max-age=60, stale-while-revalidate=3600' } })
}
