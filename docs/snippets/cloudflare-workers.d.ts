/** The part of workerd's own module that the snippets use. `@cloudflare/workers-types` declares all of it. */
declare module 'cloudflare:workers' {
  export const env: object
  export function waitUntil(work: Promise<unknown>): void
}
