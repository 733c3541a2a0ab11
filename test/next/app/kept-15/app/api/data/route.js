export const dynamic = 'force-dynamic'

export async function GET() {
  const response = await fetch(`${process.env.ORIGIN}/data`, { cache: 'force-cache', next: { tags: ['data'] } })
  return new Response(await response.arrayBuffer())
}
