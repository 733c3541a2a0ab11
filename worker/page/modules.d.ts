/** Files that the bundler turns into strings; see [[rules]] in wrangler.toml. */
declare module '*.css' {
  const text: string
  export default text
}
declare module '*.html' {
  const text: string
  export default text
}
declare module '*.client.js' {
  const text: string
  export default text
}
