export const dynamic = 'force-static'
export const revalidate = 3600

export function GET() {
  return new Response(Uint8Array.from([0, 255, 254, ...crypto.getRandomValues(new Uint8Array(32))]))
}
