/** Removes many entries: a form for the target, then a confirmation with the number of entries. */

import { shortName, visibleName, visibleStored } from '../../values/visible-name.ts'
import { keyParameter } from '../area.ts'
import { formatCount } from '../format.ts'
import { ActionForm } from './action-form.tsx'

/** The prefix or tag to remove. */
export interface Target {
  readonly kind: 'prefix' | 'tag'
  readonly text: string
}

/** The number of entries that a removal affects. */
export interface Found {
  readonly entries: number
  /** A count stops early if there are very many entries. */
  readonly accuracy: 'exact' | 'at least' | 'estimate'
}

const TEXT_CHARACTERS = 400

export const RemoveForms = () => (
  <>
    <form method="get" action="./remove" class="card">
      <label>
        Delete entries with this key prefix
        <br />
        <input class="long name" name="prefix" required autocomplete="off" spellcheck={false} />
      </label>
      <button type="submit">Count entries…</button>
    </form>
    <form method="get" action="./remove" class="card">
      <label>
        Invalidate entries with this tag
        <br />
        <input class="long name" name="tag" required autocomplete="off" spellcheck={false} />
      </label>
      <button type="submit">Count entries…</button>
    </form>
  </>
)

export interface ConfirmationProps {
  readonly token: string
  readonly target: Target
  readonly found: Found
}

export const Confirmation = ({ token, target, found: { entries, accuracy } }: ConfirmationProps) => (
  <>
    <p>
      <strong>
        {{ exact: '', 'at least': 'At least ', estimate: 'About ' }[accuracy]}
        {formatCount(entries, 'entry', 'entries')}
      </strong>{' '}
      <Effect {...target} />
      {accuracy === 'estimate' && ' The number is an estimate, because there are many entries.'}
    </p>
    <ActionForm token={token} action="remove" fields={{ kind: target.kind, text: keyParameterOf(target.text) }}>
      <label>
        <input type="checkbox" name="confirmed" value="yes" required />I know that this cannot be undone
      </label>
      <button type="submit" class="bad">
        {target.kind === 'tag' ? 'Invalidate the tag' : 'Delete the entries'}
      </button>
      <a class="button" href="./entries">
        Cancel
      </a>
    </ActionForm>
  </>
)

const Effect = ({ kind, text }: Target) => {
  if (kind === 'prefix' && text === '') return <>will be deleted: all entries of this cache.</>
  // A prefix is in stored form, a tag is as the caller wrote it.
  const shown = kind === 'prefix' ? visibleStored(text) : visibleName(text)
  const name = <code>{shortName(shown, TEXT_CHARACTERS, text)}</code>
  return kind === 'prefix' ? (
    <>will be deleted: all keys that begin with {name}.</>
  ) : (
    <>
      of this cache will become misses, and so will all other entries in the database that have the tag {name}: a tag
      applies to every namespace. The next cleanup deletes them.
    </>
  )
}

/** Encodes a text so that forms do not change it, for example its line ends. An empty text stays empty. */
function keyParameterOf(text: string): string {
  return text === '' ? '' : keyParameter(text)
}
