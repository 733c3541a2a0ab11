import { compute } from '@/lib/origin'

export function getStaticPaths() {
  return { paths: [], fallback: 'blocking' }
}

export function getStaticProps({ params }) {
  if (params.id === 'nowhere') return { notFound: true, revalidate: 3600 }
  if (params.id === 'moved') return { redirect: { destination: '/isr', permanent: false }, revalidate: 3600 }
  return { props: { value: compute(`legacy ${params.id}`) }, revalidate: 3600 }
}

export default function Page({ value }) {
  return <p>{value}</p>
}
