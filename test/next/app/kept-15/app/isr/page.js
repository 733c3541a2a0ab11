import { compute } from '@/lib/origin'

export const revalidate = 3600

export default function Page() {
  return <p>{compute('isr')}</p>
}
