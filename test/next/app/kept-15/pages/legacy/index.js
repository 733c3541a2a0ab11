import { compute } from '@/lib/origin'

export function getStaticProps() {
  return { props: { value: compute('legacy') }, revalidate: 3600 }
}

export default function Page({ value }) {
  return <p>{value}</p>
}
