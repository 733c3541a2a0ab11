import { connection } from 'next/server'

export async function GET() {
  await connection()
  const response = await fetch(`${process.env.ORIGIN}/data`, { cache: 'force-cache', next: { tags: ['data'] } })
  return new Response(await response.arrayBuffer())
}
