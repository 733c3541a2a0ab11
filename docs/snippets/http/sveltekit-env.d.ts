/** SvelteKit generates this module's types in each app. */
declare module '$env/dynamic/private' {
  export const env: Record<string, string | undefined>
}
