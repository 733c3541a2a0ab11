/** The parts of Deno and Bun that the snippets use. The runtimes' own types declare all of them. */
declare namespace Deno {
  const env: { get(name: string): string | undefined }
  function serve(options: { port: number }, handler: (request: Request) => Response | Promise<Response>): void
}

declare namespace Bun {
  type Handler = (request: Request) => Response | Promise<Response>
  function serve(options: { fetch: Handler } | { routes: Record<string, Record<string, Handler>> }): void
}
