/** The forms that change or delete an entry. */
import { instant } from '../format.ts'
import { ActionForm } from './action-form.tsx'

/** The TTLs that the form offers. */
export const TOUCH_SPANS = { '5m': '5 minutes', '1h': '1 hour', '1d': '1 day', '30d': '30 days' } as const

export interface EntryActionsProps {
  readonly token: string
  readonly parameter: string
  readonly live: boolean
  readonly expiresAt: number | null
}

export const EntryActions = ({ token, parameter, live, expiresAt }: EntryActionsProps) => {
  const fields = { key: parameter }
  return (
    <section class="card" aria-label="Change the entry">
      {live && (
        <div class="row">
          <ActionForm token={token} action="touch" fields={fields}>
            <label>
              Expire in
              <br />
              <select name="for">
                {Object.entries(TOUCH_SPANS).map(([value, label]) => (
                  <option value={value}>{label}</option>
                ))}
              </select>
            </label>
            <button type="submit">Set the TTL</button>
          </ActionForm>
          <ActionForm token={token} action="expire" fields={fields}>
            <label>
              Expire at (UTC)
              <br />
              <input type="datetime-local" name="at" step="1" required value={inputInstant(expiresAt)} />
            </label>
            <button type="submit">Set the deadline</button>
          </ActionForm>
          <ActionForm token={token} action="expire" fields={fields}>
            <button type="submit">Never expire</button>
          </ActionForm>
        </div>
      )}
      <ActionForm token={token} action="delete" fields={fields}>
        <button type="submit" class="bad">
          Delete the entry
        </button>
      </ActionForm>
    </section>
  )
}

/** Formats an instant for the input, which takes no time zone. */
function inputInstant(epochMs: number | null): string {
  return epochMs === null ? '' : instant(epochMs).replace(' ', 'T')
}
