/** One entry: its facts, its value, and the preview of a response. */
import type { Child } from 'hono/jsx'
import type { EntryState } from '../../cache.ts'
import { asciiStored, shortName, visibleName } from '../../values/visible-name.ts'
import { bytes, count, deadline, escapeInvisible, instant, shorten, span } from '../format.ts'
import type { StoredResponse } from '../stored-response.ts'
import type { Shown } from '../stored-value.ts'

export interface EntryFacts {
  /** The stored key, with its namespaces. */
  readonly key: string
  readonly state: EntryState
  readonly bytes: number
  readonly valueBytes: number
  readonly tags: readonly string[]
  readonly tagCount: number
  readonly expiresAt: number | null
  readonly keptUntil: number | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly computeMs: number | null
  readonly leased: boolean
  readonly now: number
}

const TAG_CHARACTERS = 60
const STATES = {
  live: 'live',
  expired: 'expired: a miss',
  invalidated: 'invalidated by a tag: a miss',
} as const satisfies Record<EntryState, string>
/** `get` misses the entry. Calls that allow a stale value may still get it. */
const STALE = 'stale: a miss for get, but calls that allow stale values still get it'
/** Shows at most this many header fields. Handlers and browsers allow far more than a page should hold. */
const SHOWN_FIELDS = 15
const NAME_CHARACTERS = 40
const FIELD_CHARACTERS = 80

export const Facts = ({ entry, isReadOnly }: { entry: EntryFacts; isReadOnly: boolean }) => (
  <dl class="facts card">
    <Fact name="Stored key">
      <code>{asciiStored(entry.key)}</code>
    </Fact>
    <Fact name="State">
      <span class={entry.state === 'live' ? 'on' : 'off'}>{isStale(entry) ? STALE : STATES[entry.state]}</span>
      {entry.leased && ' · being computed now'}
    </Fact>
    {entry.state !== 'invalidated' && (
      <Fact name="Expires">
        {deadline(entry.expiresAt, entry.now)}
        {entry.expiresAt !== null && `, ${instant(entry.expiresAt)}`}
      </Fact>
    )}
    {entry.state !== 'invalidated' && entry.keptUntil !== null && entry.keptUntil !== entry.expiresAt && (
      <Fact name="Served stale until">{instant(entry.keptUntil)}</Fact>
    )}
    <Fact name="Size">
      {entry.valueBytes > 0 && `${bytes(entry.valueBytes)} as text; `}
      {bytes(entry.bytes)} stored with its key, compressed
    </Fact>
    {entry.computeMs !== null && <Fact name="Compute time">{span(entry.computeMs)}</Fact>}
    <Fact name="Created">{instant(entry.createdAt)}</Fact>
    <Fact name="Updated">{instant(entry.updatedAt)}</Fact>
    <Fact name="Tags">
      {entry.tagCount === 0 && 'none'}
      {entry.tags.map((tag) => (
        <TagName tag={tag} isReadOnly={isReadOnly} />
      ))}
      {entry.tagCount > entry.tags.length && ` and ${count(entry.tagCount - entry.tags.length)} more`}
    </Fact>
  </dl>
)

const isStale = ({ state, keptUntil, now }: EntryFacts) =>
  state === 'expired' && (keptUntil === null || keptUntil > now)

const Fact = ({ name, children }: { name: string; children?: Child }) => (
  <>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </>
)

const TagName = ({ tag, isReadOnly }: { tag: string; isReadOnly: boolean }) => {
  const name = shortName(visibleName(tag), TAG_CHARACTERS, tag)
  return isReadOnly ? (
    <span class="tag">{name}</span>
  ) : (
    <a class="tag" href={`./remove?tag=${encodeURIComponent(tag)}`} title="Invalidate this tag…">
      {name}
    </a>
  )
}

export const ValueText = ({ heading, shown, parameter }: { heading: string; shown: Shown; parameter: string }) => (
  <section aria-labelledby="value">
    <div class="row">
      <h2 id="value">{heading}</h2>
      <span class="soft">
        {shown.how}
        {shown.isTruncated && ' (first part only)'}
      </span>
      <a href={`./download?key=${parameter}`}>Download the whole value</a>
    </div>
    {/* The keyboard must reach a scrolling region. */}
    <pre tabindex={0}>{shown.text}</pre>
  </section>
)

export const ResponseHead = ({ response: { status, fields } }: { response: StoredResponse }) => (
  <section aria-labelledby="response">
    <h2 id="response">Response {status}</h2>
    {fields === undefined ? (
      <p class="soft">This cache's codec cannot decode the header fields and the body.</p>
    ) : (
      <FieldTable fields={fields} />
    )}
  </section>
)

const FieldTable = ({ fields }: { fields: readonly (readonly [string, string])[] }) => (
  <>
    <div class="scroll">
      <table>
        <tbody>
          {fields.slice(0, SHOWN_FIELDS).map(([name, value]) => (
            <tr>
              <th scope="row" class="name">
                {shorten(escapeInvisible(name), NAME_CHARACTERS)}
              </th>
              <td class="name">{shorten(escapeInvisible(value), FIELD_CHARACTERS)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    {fields.length > SHOWN_FIELDS && <p class="soft">and {count(fields.length - SHOWN_FIELDS)} more fields</p>}
  </>
)

/** A preview of a stored page, without scripts and remote content. The browser loads it when the reader opens it. */
export const BodyPreview = ({ parameter }: { parameter: string }) => (
  <details>
    <summary>Preview without scripts and remote content</summary>
    <iframe title="Preview of the body" sandbox="" loading="lazy" src={`./preview?key=${parameter}`} />
  </details>
)
