/** What the snippets use of workerd's own module; `@cloudflare/workers-types` has all of it. */
declare module 'cloudflare:workers' {
  export function waitUntil(work: Promise<unknown>): void
}
