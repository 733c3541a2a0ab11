import { connection } from 'next/server'
import { latestRelease } from '@/lib/latest-release'
import { askAgain } from './actions'

export default async function Page() {
  await connection() // The code below waits for a request, so the build needs no database.
  const { version, readAt } = await latestRelease('vercel/next.js')
  return (
    <form action={askAgain}>
      <p>
        Next.js {version}, read at {readAt}
      </p>
      <button type="submit">Ask GitHub again</button>
    </form>
  )
}
