import { cached } from 'pgstash'
import { cache } from './cache'

const API = process.env.GITHUB_API ?? 'https://api.github.com'

/** GitHub is asked once an hour for all visitors. After that, they get the stale release while one request refreshes it. */
export const latestRelease = cached(
  async (repository: string) => {
    const response = await fetch(`${API}/repos/${repository}/releases/latest`, { cache: 'no-store' })
    if (!response.ok) throw new Error(`GitHub answered with status ${response.status}.`)
    const { tag_name } = (await response.json()) as { tag_name: string }
    return { version: tag_name, readAt: new Date().toISOString() }
  },
  { cache, key: 'release', expiration: '1h', stale: '1d', tags: ['releases'] },
)
