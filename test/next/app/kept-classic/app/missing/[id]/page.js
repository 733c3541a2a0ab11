import { notFound } from 'next/navigation'

export const revalidate = 3600

export function generateStaticParams() {
  return []
}

export default async function Page({ params }) {
  await params
  notFound()
}
