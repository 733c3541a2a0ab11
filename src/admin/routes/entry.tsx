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
import { downloadOf, FETCHED_CHARACTERS, shownBody, shownValue } from '../stored-value.ts'
import { answerMessage } from './failure.tsx'

const HEADING_CHARACTERS = 200
const GONE = 'There is no such entry: it was deleted, or removed by cleanup.'
/** Of a page that is previewed: enough for what one looks at. */
const PREVIEW_CHARACTERS = 262_144

type Read = NonNullable<Awaited<ReturnType<typeof load>>>

/** An entry's page: one statement, which moves the beginning of the value. */
export async function showEntry(c: Context<AdminEnv>) {
  const { context, isReadOnly, token } = c.var.admin
  const key = keyOfParameter(context.scope, c.req.query('key'))
  const entry = key === undefined ? undefined : await load(context, key, FETCHED_CHARACTERS)
  if (key === undefined || entry === undefined) return answerMessage(c, 404, GONE)
  const parameter = keyParameter(key)
  const children = (
    <>
      <Facts entry={factsOf(key, entry)} isReadOnly={isReadOnly} />
      {!isReadOnly && (
        <EntryActions token={token} parameter={parameter} live={entry.state === 'live'} expiresAt={entry.expiresAt} />
      )}
      {await valueSection(context, key, entry)}
    </>
  )
  return renderPage(c, { heading: keyText(context.scope, key, HEADING_CHARACTERS), children })
}

/** What is said of the value: a response is shown as one. */
async function valueSection({ codec }: PostgresEngine, key: string, entry: Read) {
  const parameter = keyParameter(key)
  const response = await storedResponse(entry.meta, key, codec)
  if (response === undefined) {
    return (
      <ValueText heading="Value" shown={await shownValue(entry, entry.characters, key, codec)} parameter={parameter} />
    )
  }
  return (
    <>
      <ResponseHead response={response} />
      {isHtml(response) && canPreview(response, entry) && <BodyPreview parameter={parameter} />}
      <ValueText
        heading={response.isBase64 ? 'Body, in base64' : 'Body'}
        shown={await shownBody(response, entry.value ?? '', entry.characters, key, codec)}
        parameter={parameter}
      />
    </>
  )
}

/** A page that was stored, as it looks: it may run nothing and load nothing, whatever it says. */
export async function showPreview(c: Context<AdminEnv>) {
  const { context } = c.var.admin
  const key = keyOfParameter(context.scope, c.req.query('key'))
  const entry = key === undefined ? undefined : await load(context, key, PREVIEW_CHARACTERS)
  const response = entry && (await storedResponse(entry.meta, entry.key, context.codec))
  if (entry === undefined || response === undefined || !isHtml(response)) return answerMessage(c, 404, GONE)
  const body = await bodyOf(response, entry.value ?? '', entry.key, context.codec)
  if (body === undefined) return answerMessage(c, 404, 'This body is too long for a preview, or cannot be decoded.')
  return c.body(body, 200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': PREVIEW_POLICY,
  })
}

/** The value, whole. Always as a file: no browser may take it for a page of this origin. */
export async function download(c: Context<AdminEnv>) {
  const { context } = c.var.admin
  const { store, scope, codec } = context
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

/** A codec needs the whole text to decode a body. Of any other body, the beginning is shown. */
function canPreview({ bodyId }: StoredResponse, { characters }: Read): boolean {
  return bodyId === undefined || characters <= PREVIEW_CHARACTERS
}

function isHtml({ fields = [], isBase64 }: StoredResponse): boolean {
  const [, type = ''] = fields.find(([name]) => name.toLowerCase() === 'content-type') ?? []
  return !isBase64 && /^text\/html\b/i.test(type)
}
