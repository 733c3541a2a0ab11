/** Removing many: what is to go, then a confirmation that says how many. */

import { shortName, visibleName, visibleStored } from '../../values/visible-name.ts'
import { keyParameter } from '../area.ts'
import { count } from '../format.ts'
import { ActionForm } from './action-form.tsx'

/** What is to be removed. */
export interface Target {
  readonly kind: 'prefix' | 'tag'
  readonly text: string
}

/** The entries that a removal concerns. */
export interface Found {
  readonly entries: number
  /** A count ends early if there are very many. */
  readonly accuracy: 'exact' | 'at least' | 'estimate'
}

const TEXT_CHARACTERS = 400

export const RemoveForms = () => (
  <>
    <form method="get" action="./remove" class="card">
      <label>
        Delete entries whose keys begin with
        <br />
        <input class="long name" name="prefix" required autocomplete="off" spellcheck={false} />
      </label>
      <button type="submit">Count them…</button>
    </form>
    <form method="get" action="./remove" class="card">
      <label>
        Invalidate the tag
        <br />
        <input class="long name" name="tag" required autocomplete="off" spellcheck={false} />
      </label>
      <button type="submit">Count them…</button>
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
        {count(entries)} {entries === 1 ? 'entry' : 'entries'}
      </strong>{' '}
      <What {...target} />
      {accuracy === 'estimate' && ' The number is an estimate, because there are many entries.'}
    </p>
    <ActionForm token={token} action="remove" fields={{ kind: target.kind, text: keyParameterOf(target.text) }}>
      <label>
        <input type="checkbox" name="confirmed" value="yes" required />
        This cannot be undone, and I want it
      </label>
      <button type="submit" class="bad">
        {target.kind === 'tag' ? 'Invalidate the tag' : 'Delete them'}
      </button>
      <a class="button" href="./entries">
        Cancel
      </a>
    </ActionForm>
  </>
)

const What = ({ kind, text }: Target) => {
  if (kind === 'prefix' && text === '') return <>will be deleted: all that there are.</>
  // A prefix is given as it is stored, a tag as its owner has it.
  const shown = kind === 'prefix' ? visibleStored(text) : visibleName(text)
  const name = <code>{shortName(shown, TEXT_CHARACTERS, text)}</code>
  return kind === 'prefix' ? (
    <>will be deleted: all keys that begin with {name}.</>
  ) : (
    <>
      here, and all others in the database that have the tag {name}, will read as absent. Tags are the same in every
      namespace; cleanup removes the rows.
    </>
  )
}

/** As forms send it unchanged, line ends and all; nothing stays nothing. */
function keyParameterOf(text: string): string {
  return text === '' ? '' : keyParameter(text)
}
