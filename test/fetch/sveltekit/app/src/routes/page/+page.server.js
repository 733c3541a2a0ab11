import { ask } from '$lib/ask'

export async function load({ setHeaders }) {
  setHeaders({ 'cache-control': 'max-age=60', 'cache-groups': '"page"' })
  return { made: await ask('/page') }
}

export const actions = {
  change({ setHeaders }) {
    setHeaders({ 'cache-group-invalidation': '"page"' })
  },
}
