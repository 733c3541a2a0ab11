import { compute } from '@/lib/origin'

export const revalidate = 1

export default function Page() {
  return <p>{compute('moment')}</p>
}
