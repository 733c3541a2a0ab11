/** The parts of Deno and Bun that these snippets use. The runtimes' own types declare all of them. */
declare namespace Deno {
  function cron(name: string, schedule: string, handler: () => Promise<void>): Promise<void>
  function serve(handler: (request: Request) => Response | Promise<Response>): void
}

declare module 'bun' {
  export const sql: {
    (strings: TemplateStringsArray, ...values: unknown[]): Promise<unknown[]>
    unsafe(text: string, values?: unknown[]): Promise<unknown[]>
  }
}
