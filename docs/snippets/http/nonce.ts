import { createHash } from 'node:crypto'

const script = 'document.body.dataset.ready = "yes"'
const hash = createHash('sha256').update(script).digest('base64')

/** A page with a hash instead of a nonce is the same for everybody, so it can be cached. */
export const page = () =>
  new Response(`<!doctype html><body><script>${script}</script>`, {
    headers: {
      'content-type': 'text/html',
      'content-security-policy': `script-src 'sha256-${hash}'`,
      'cache-control': 'max-age=60',
    },
  })
