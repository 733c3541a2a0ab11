import type { Context } from 'hono'
import type { PostgresEngine } from '../../postgres/postgres-store.ts'
import { keyOfParameter, keyParameter, rangeOf } from '../area.ts'
import type { AdminEnv } from '../env.ts'
import { BodyPreview, type EntryFacts, Facts, ResponseHead, ValueText } from '../pages/entry.tsx'
import { EntryActions } from '../pages/entry-actions.tsx'
import { keyText } from '../pages/key-name.tsx'
import { renderPage } from '../pages/layout.tsx'
import { PREVIEW_POLICY } from '../security.ts'
import { readEntry } from '../statements/read-entry.ts'
import { readStored } from '../statements/read-stored.ts'
import { bodyOf, type StoredResponse, storedResponse } from '../stored-response.ts'
import { downloadOf, FETCHED_CHARACTERS, presentBody, presentValue } from '../stored-value.ts'
import { answerMessage } from './failure.tsx'

const HEADING_CHARACTERS = 200
const GONE = 'This entry does not exist. It may have been deleted, or removed by cleanup.'
/** A preview shows at most this much of a page. */
const PREVIEW_CHARACTERS = 262_144

type Read = NonNullable<Awaited<ReturnType<typeof load>>>

/** Shows an entry: one statement, which moves the first part of the value. */
export async function showEntry(c: Context<AdminEnv>) {
  const { engine, isReadOnly, token } = c.var.admin
  const key = keyOfParameter(engine.scope, c.req.query('key'))
  const entry = key === undefined ? undefined : await load(engine, key, FETCHED_CHARACTERS)
  if (key === undefined || entry === undefined) return answerMessage(c, 404, GONE)
  const parameter = keyParameter(key)
  const children = (
    <>
      <Facts entry={factsOf(key, entry)} isReadOnly={isReadOnly} />
      {!isReadOnly && (
        <EntryActions token={token} parameter={parameter} live={entry.state === 'live'} expiresAt={entry.expiresAt} />
      )}
      {await valueSection(engine, key, entry)}
    </>
  )
  return renderPage(c, { heading: keyText(engine.scope, key, HEADING_CHARACTERS), children })
}

/** Shows the value. A stored response appears as status, header fields and body. */
async function valueSection({ codec }: PostgresEngine, key: string, entry: Read) {
  const parameter = keyParameter(key)
  const response = await storedResponse(entry.meta, key, codec)
  if (response === undefined) {
    return (
      <ValueText
        heading="Value"
        shown={await presentValue(entry, entry.characters, key, codec)}
        parameter={parameter}
      />
    )
  }
  return (
    <>
      <ResponseHead response={response} />
      {isHtml(response) && canPreview(response, entry) && <BodyPreview parameter={parameter} />}
      <ValueText
        heading={response.isBase64 ? 'Body, in base64' : 'Body'}
        shown={await presentBody(response, entry.value ?? '', entry.characters, key, codec)}
        parameter={parameter}
      />
    </>
  )
}

/** Shows a stored page in a preview. Its policy allows no scripts and no requests. */
export async function showPreview(c: Context<AdminEnv>) {
  const { engine } = c.var.admin
  const key = keyOfParameter(engine.scope, c.req.query('key'))
  const entry = key === undefined ? undefined : await load(engine, key, PREVIEW_CHARACTERS)
  const response = entry && (await storedResponse(entry.meta, entry.key, engine.codec))
  if (entry === undefined || response === undefined || !isHtml(response)) return answerMessage(c, 404, GONE)
  const body = await bodyOf(response, entry.value ?? '', entry.key, engine.codec)
  if (body === undefined) return answerMessage(c, 404, 'This body is too long for a preview, or cannot be decoded.')
  return c.body(body, 200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': PREVIEW_POLICY,
  })
}

/** Sends the whole value. Always as a file, so that no browser treats it as a page of this origin. */
export async function download(c: Context<AdminEnv>) {
  const { engine } = c.var.admin
  const { store, scope, codec } = engine
  const key = keyOfParameter(scope, c.req.query('key'))
  const [stored] = key === undefined ? [] : await store.runner.run(readStored, { key, ...rangeOf(scope) })
  if (key === undefined || stored === undefined) return answerMessage(c, 404, GONE)
  const { body, extension } = await downloadOf(stored, key, codec)
  return c.body(body, 200, {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="entry.${extension}"`,
    'content-security-policy': PREVIEW_POLICY,
  })
}

async function load({ store: { runner }, scope }: PostgresEngine, key: string, characters: number) {
  const [entry] = await runner.run(readEntry, { key, characters, ...rangeOf(scope) })
  return entry && { ...entry, key }
}

function factsOf(key: string, entry: Read): EntryFacts {
  return {
    ...entry,
    key,
    tags: entry.tags ?? [],
    createdAt: entry.createdAt,
    updatedAt: entry.updatedAt,
    now: entry.now,
  }
}

/** A codec needs the whole text to decode a body. Without a codec, the first part is enough. */
function canPreview({ bodyId }: StoredResponse, { characters }: Read): boolean {
  return bodyId === undefined || characters <= PREVIEW_CHARACTERS
}

function isHtml({ fields = [], isBase64 }: StoredResponse): boolean {
  const [, type = ''] = fields.find(([name]) => name.toLowerCase() === 'content-type') ?? []
  return !isBase64 && /^text\/html\b/i.test(type)
}
