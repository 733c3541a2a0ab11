/** Pages behind the response cache, and a POST whose answer may be stored. */
import { brief, fresh, type Site } from '../hono/app.ts'
import { createForm, type Form, type Handler } from './forms.ts'

export type Options = NonNullable<Parameters<typeof createForm>[3]>

export const POST = { method: 'POST', body: 'new' }

/** The answer to a POST to `/a`, as a representation of it. */
export const answered = (fields: Record<string, string> = {}, init: ResponseInit = {}) =>
  new Response('posted', { ...init, headers: { ...fresh, 'content-location': '/a', ...fields } })

/** The same answer, with a body whose chunks the test sends itself. */
export const streamed = (body: ReadableStream) => new Response(body, { headers: answered().headers })

/** A handler of every method, and its answer to POST. */
export const createPages = (
  [form, site]: readonly [Form, Site],
  answer: Handler = () => answered(),
  options: Options = {},
) =>
  createForm(
    form,
    site,
    (request) =>
      request.method === 'POST' ? answer(request) : new Response(`page of ${request.method}`, { headers: fresh }),
    { storePost: true, ...options },
  )

/** Sets how the next GET is answered, and returns its result. */
export async function nextGet(
  { fetch }: Pick<ReturnType<typeof createForm>, 'fetch'>,
  init: RequestInit = {},
): Promise<readonly [string | undefined, string]> {
  const response = await fetch('/a', init)
  return [brief(response), await response.text()]
}

export const MISSED = ['fwd=uri-miss;stored', 'page of GET']
